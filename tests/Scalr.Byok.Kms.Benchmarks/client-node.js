// Measures AWS's Encryption SDK for JavaScript: one JSON object with nanoseconds per call, by name.
const {
  RawAesKeyringNode, RawAesWrappingSuiteIdentifier, AlgorithmSuiteIdentifier, CommitmentPolicy, buildClient,
} = require('@aws-crypto/client-node')
const { randomBytes } = require('crypto')

// Without AWS KMS, like a key ring whose data key is cached, and without a signature, as the library writes.
const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
const key = new Uint8Array(randomBytes(32))
const keyring = new RawAesKeyringNode({
  keyName: 'key', keyNamespace: 'benchmark', unencryptedMasterKey: key,
  wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
})
const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY

async function measure (work) {
  for (const end = Date.now() + 300; Date.now() < end;) await work()

  // The fastest of 25 slices, as for the library.
  let fastest = Infinity
  for (let slice = 0; slice < 25; slice++) {
    let calls = 0
    const start = process.hrtime.bigint()
    do { await work(); calls++ } while (process.hrtime.bigint() - start < 4_000_000n)
    fastest = Math.min(fastest, Number(process.hrtime.bigint() - start) / calls)
  }
  return fastest
}

async function main () {
  const results = {}
  for (const size of process.argv.slice(2).map(Number)) {
    const plaintext = randomBytes(size)
    const write = () => encrypt(keyring, plaintext, { suiteId, frameLength: 65536, encryptionContext: { tenant: 'acme' } })
    const { result } = await write()
    results['encrypt ' + size] = await measure(write)
    results['decrypt ' + size] = await measure(() => decrypt(keyring, result))
  }
  console.log(JSON.stringify(results))
}

main()
