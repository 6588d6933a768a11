#!/usr/bin/env bash
# Mutation testing of the library. README.md beside this file explains it.
# run.sh [prepare|run|count] [ids]; "prepare" lets Stryker.NET make the mutants and finds out which test class reaches which.
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDTERMINALLOGGER=off
root=$(cd ../.. && pwd)
folder=$root/artifacts/mutation
tests=$root/artifacts/bin/Scalr.Byok.Kms.Tests/debug
stryker=${STRYKER:-dotnet-stryker}
build=${BYOK_MUTANTS_BUILD:-}   # what runs a build in its turn, where several share a machine
seed=${BYOK_MUTANTS_SEED:-15}
count=${BYOK_MUTANTS_COUNT:-200}
driver() { dotnet "$folder/bin/Scalr.Byok.Kms.Mutants.dll" "$@"; }

copy_tests() { # the tests as they are now, over the library with the mutants
  $build dotnet build . -v q -clp:ErrorsOnly -p:RunAnalyzers=false
  rm -rf "$folder/bin"
  cp -r "$root/artifacts/bin/Scalr.Byok.Kms.Mutants/debug" "$folder/bin"
  cp "$folder/Scalr.Byok.Kms.dll" "$folder/bin/"
}

make_mutants() {
  # Stryker has no command that only makes them. It runs a test that reaches none.
  # Meanwhile the library with the mutants is in the folder of the tests.
  rm -f "$tests/Scalr.Byok.Kms.dll.stryker-unchanged" "$folder/Scalr.Byok.Kms.dll"
  $build "$stryker" --output "$folder/stryker" &
  local pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if [ -f "$tests/Scalr.Byok.Kms.dll.stryker-unchanged" ] && ! cmp -s "$tests/Scalr.Byok.Kms.dll"{,.stryker-unchanged}; then
      cp "$tests/Scalr.Byok.Kms.dll" "$folder/" || true # it may be replaced at this moment
    fi
    sleep 0.2
  done
  wait "$pid"
  cp "$folder/stryker/reports/mutation-report.json" "$folder/"
}

mkdir -p "$folder"
case ${1:-run} in
  prepare)
    rm -rf "$folder"/{coverage,times.tsv,failing.txt,static.txt,results.tsv}
    make_mutants
    copy_tests
    nice -n 19 dotnet "$folder/bin/Scalr.Byok.Kms.Mutants.dll" cover "$folder"
    driver list "$folder" "$seed" "$count"
    ;;
  run)
    copy_tests
    nice -n 19 dotnet "$folder/bin/Scalr.Byok.Kms.Mutants.dll" cover "$folder"
    nice -n 19 dotnet "$folder/bin/Scalr.Byok.Kms.Mutants.dll" run "$folder" "$seed" "$count" "${@:2}"
    ;;
  count)
    driver count "$folder" "$seed" "$count"
    ;;
esac
