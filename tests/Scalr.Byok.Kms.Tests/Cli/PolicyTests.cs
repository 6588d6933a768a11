using System.Diagnostics;
using Byok.Cli;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>byok policy: the library's policies as they are, and Terraform configuration around them.</summary>
internal sealed class PolicyTests
{
    private const string Arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";

    private CliWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await CliWorld.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task JSON_is_that_of_the_library()
    {
        var key = KmsKeyArn.Parse(Arn);

        Assert.That(
            await RunAsync($"permissions --key-arn {Arn} --replica-region us-west-2"),
            Is.EqualTo(ByokPolicies.KeyPermissions(key, ["us-west-2"])));
        Assert.That(
            await RunAsync($"permissions --key-arn {Arn} --no-describe-key"),
            Is.EqualTo(ByokPolicies.KeyPermissions(key, describeKey: false)));
        Assert.That(
            await RunAsync($"permissions --key-arn {Arn} --context scalr:tenant=acme -c app=a=b"),
            Is.EqualTo(ByokPolicies.KeyPermissions(
                key, encryptionContext: new Dictionary<string, string> { ["scalr:tenant"] = "acme", ["app"] = "a=b" })));
        Assert.That(
            await RunAsync("assume-role --external-id some-id --host-account 444455556666"),
            Is.EqualTo(ByokPolicies.AssumeRoleTrust("some-id", "444455556666")));
        Assert.That(
            await RunAsync($"oidc --account-name acme --audience aud --provider-host id.example.com --key-arn {Arn}"),
            Is.EqualTo(ByokPolicies.OidcTrust("111122223333", "aud", "acme", "id.example.com")));
    }

    [Test]
    public async Task Settings_fill_in_what_is_not_given()
    {
        var (demo, settings) = (_world.Demo, _world.Settings);

        Assert.That(
            await RunAsync($"permissions -s {settings[0].Settings}"),
            Is.EqualTo(ByokPolicies.KeyPermissions(KmsKeyArn.Parse(demo.Key.Arn))));
        Assert.That(
            await RunAsync($"assume-role -s {settings[1].Settings}"),
            Is.EqualTo(ByokPolicies.AssumeRoleTrust(demo.ExternalId, ByokPolicies.ScalrAccountId)));
        Assert.That(
            await RunAsync($"oidc --account-name acme -s {settings[2].Settings} --provider-host scalr.io"),
            Is.EqualTo(ByokPolicies.OidcTrust("111122223333", demo.Audience, "acme", "scalr.io")));
    }

    [TestCase("assume-role --external-id some-id", "--host-account")]
    [TestCase("oidc --account-name acme --audience aud --aws-account 111122223333", "--provider-host")]
    public async Task Whom_the_customer_shall_trust_has_to_be_said(string command, string option)
    {
        var result = await _world.RunAsync(["policy", .. command.Split(' ')]);

        Assert.That((result.Code, result.Output), Is.EqualTo((ExitCode.Usage, "")), result.ToString());
        Assert.That(result.Error, Does.Contain(option));
    }

    [Test]
    public async Task External_ids_are_new_each_time()
    {
        var (one, two) = (await RunAsync("external-id"), await RunAsync("external-id"));

        Assert.That(one, Has.Length.EqualTo(32).And.Not.EqualTo(two));
    }

    [Test]
    public async Task Terraform_makes_the_key_its_replica_the_provider_and_the_role() =>
        Assert.That(await RunAsync("oidc --account-name acme --audience aud --provider-host scalr.io --terraform"), Is.EqualTo("""
            terraform {
              required_providers {
                aws = {
                  source  = "hashicorp/aws"
                  version = ">= 5.81"
                }
              }
            }

            provider "aws" {
              region = "us-east-1"
            }

            provider "aws" {
              alias  = "us_east_2"
              region = "us-east-2"
            }

            resource "aws_kms_key" "byok" {
              description             = "Bring your own key"
              multi_region            = true
              enable_key_rotation     = true
              deletion_window_in_days = 30
            }

            resource "aws_kms_replica_key" "us_east_2" {
              provider                = aws.us_east_2
              description             = "Bring your own key"
              primary_key_arn         = aws_kms_key.byok.arn
              deletion_window_in_days = 30
            }

            resource "aws_iam_openid_connect_provider" "host" {
              url            = "https://scalr.io"
              client_id_list = ["aud"]
            }

            resource "aws_iam_role" "byok" {
              name = "byok"
              assume_role_policy = jsonencode({
                Version = "2012-10-17"
                Statement = [
                  {
                    Effect = "Allow"
                    Principal = {
                      Federated = aws_iam_openid_connect_provider.host.arn
                    }
                    Action = "sts:AssumeRoleWithWebIdentity"
                    Condition = {
                      StringEquals = {
                        "scalr.io:aud" = "aud"
                      }
                      StringLike = {
                        "scalr.io:sub" = "account:acme"
                      }
                    }
                  },
                ]
              })
            }

            resource "aws_iam_role_policy" "byok" {
              name = "byok"
              role = aws_iam_role.byok.id
              policy = jsonencode({
                Version = "2012-10-17"
                Statement = [
                  {
                    Effect   = "Allow"
                    Action   = ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"]
                    Resource = [aws_kms_key.byok.arn, aws_kms_replica_key.us_east_2.arn]
                  },
                ]
              })
            }

            output "key_arn" {
              value = aws_kms_key.byok.arn
            }

            output "role_arn" {
              value = aws_iam_role.byok.arn
            }
            """.ReplaceLineEndings("\n")));

    [Test]
    public async Task Terraform_has_the_conditions_on_the_encryption_context() =>
        Assert.That(await RunAsync($"permissions --terraform --key-arn {Arn} --context scalr:tenant=acme"), Does.Contain($$"""
              policy = jsonencode({
                Version = "2012-10-17"
                Statement = [
                  {
                    Effect   = "Allow"
                    Action   = ["kms:Encrypt", "kms:Decrypt"]
                    Resource = "{{Arn}}"
                    Condition = {
                      StringEquals = {
                        "kms:EncryptionContext:scalr:tenant" = "acme"
                      }
                    }
                  },
                  {
                    Effect   = "Allow"
                    Action   = "kms:DescribeKey"
                    Resource = "{{Arn}}"
                  },
                ]
              })
            """.ReplaceLineEndings("\n")));

    [Test]
    public async Task A_pair_that_no_condition_can_name_is_refused_without_its_value()
    {
        var result = await _world.RunAsync("policy", "permissions", "--key-arn", Arn, "--context", "tenant=${aws:userid}");

        Assert.That((result.Code, result.Output), Is.EqualTo((ExitCode.Usage, "")), result.ToString());
        Assert.That(result.Error, Does.Contain("'tenant'").And.Not.Contain("aws:userid"));
    }

    [Test]
    public async Task Terraform_leaves_a_key_that_is_there_alone()
    {
        var configuration = await RunAsync($"assume-role --external-id some-id --host-account 615271354814 --key-arn {Arn} --terraform");

        Assert.That(
            configuration,
            Does.Not.Contain("aws_kms_key").And.Contain($"Resource = \"{Arn}\"").And.Contain("\"sts:ExternalId\" = \"some-id\""));
    }

    [Test]
    public async Task Terraform_chooses_no_replica_in_another_part_of_the_world() =>
        Assert.That(
            await RunAsync("permissions --terraform --region eu-west-1"),
            Does.Contain("\"eu-west-1\"").And.Not.Contain("aws_kms_replica_key"));

    [Test]
    public async Task Names_that_Terraform_would_take_for_templates_are_texts() =>
        Assert.That(
            await RunAsync("oidc --account-name a%{b}\"\\ --audience $$aud --provider-host scalr.io --terraform"),
            Does.Contain("""
                "account:a%%{b}\"\\"
                """).And.Contain("""["$$aud"]"""));

    [Test]
    public async Task Names_that_only_JSON_can_hold_are_refused()
    {
        var result = await _world.RunAsync(
            "policy", "oidc", "--account-name", "Ōtsu", "--audience", "aud", "--provider-host", "scalr.io", "--terraform");

        Assert.That(result.Code, Is.EqualTo(ExitCode.Usage), result.ToString());
    }

    [TestCase("permissions --terraform")]
    [TestCase("permissions --terraform --replica-region eu-west-1 --replica-region ap-southeast-2 --no-describe-key")]
    [TestCase($"permissions --terraform --key-arn {Arn}")]
    [TestCase($"permissions --terraform --key-arn {Arn} --context scalr:tenant=acme --context app=byok")]
    [TestCase("assume-role --terraform --external-id some-id --host-account 615271354814")]
    [TestCase("oidc --terraform --account-name acme --audience aud --provider-host id.example.com/x")]
    public async Task Terraform_itself_would_format_it_so(string command)
    {
        using var terraform = StartTerraform();
        await terraform.StandardInput.WriteAsync(await RunAsync(command) + "\n");
        terraform.StandardInput.Close();
        var formatted = await terraform.StandardOutput.ReadToEndAsync();

        Assert.That(formatted.TrimEnd('\n'), Is.EqualTo(await RunAsync(command)));
    }

    private static Process StartTerraform()
    {
        try
        {
            return ChildProcess.Start(new ProcessStartInfo("terraform", ["fmt", "-"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("Terraform is absent.");
            throw;
        }
    }

    private async Task<string> RunAsync(string command)
    {
        var result = await _world.RunAsync(["policy", .. command.Split(' ')]);
        Assert.That((result.Code, result.Error), Is.EqualTo((ExitCode.Success, "")), result.ToString());
        return result.Output[..^Environment.NewLine.Length];
    }
}
