'use strict';

// AWS's Encryption SDK for JavaScript at the tests' service: one command a line on stdin, one answer a line on stdout, both JSON.
// Payloads go through files. The address of KMS and the credentials come from the environment.

const { createReadStream, createWriteStream } = require('node:fs');
const { readFile, writeFile } = require('node:fs/promises');
const { createInterface } = require('node:readline');
const { pipeline } = require('node:stream/promises');
const { CommitmentPolicy, KMS, KmsKeyringNode, buildAwsKmsMrkAwareStrictMultiKeyringNode, buildClient, getClient } = require('@aws-crypto/client-node');

const sdk = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);

const clientProvider = getClient(KMS, {
    endpoint: process.env.INTEROP_KMS,
    credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY },
    maxAttempts: 1,
});

// The plain keyring opens only what its very key wrapped; the multi-Region one also what a replica of it wrapped.
function keyring({ keyArn, moreKeyArns, multiRegion }) {
    const keys = { generatorKeyId: keyArn, keyIds: moreKeyArns, clientProvider };
    return multiRegion ? buildAwsKmsMrkAwareStrictMultiKeyringNode(keys) : new KmsKeyringNode(keys);
}

async function encrypt({ way, input, output, suiteId, encryptionContext, frameLength, ...key }) {
    const options = { suiteId, encryptionContext, frameLength };
    if (way === 'Stream') {
        return through(input, sdk.encryptStream(keyring(key), options), output);
    }

    const { result, messageHeader } = await sdk.encrypt(keyring(key), await readFile(input), options);
    await writeFile(output, result);
    return messageHeader;
}

async function decrypt({ way, input, output, ...key }) {
    if (way === 'Stream') {
        return through(input, sdk.decryptStream(keyring(key)), output);
    }

    const { plaintext, messageHeader } = await sdk.decrypt(keyring(key), await readFile(input));
    await writeFile(output, plaintext);
    return messageHeader;
}

async function through(input, stream, output) {
    let header;
    stream.once('MessageHeader', (messageHeader) => { header = messageHeader; });
    await pipeline(createReadStream(input), stream, createWriteStream(output));
    return header;
}

async function answer({ operation, ...command }) {
    const { suiteId, encryptionContext, encryptedDataKeys, frameLength } = await { encrypt, decrypt }[operation](command);
    return { suiteId, encryptionContext, keyArns: encryptedDataKeys.map((key) => key.providerInfo), frameLength };
}

async function serve() {
    for await (const line of createInterface({ input: process.stdin })) {
        const reply = await answer(JSON.parse(line)).catch((error) => ({ error: `${error.name}: ${error.message}` }));
        process.stdout.write(`${JSON.stringify(reply)}\n`);
    }

    process.exit(); // connections to KMS that are kept open would keep the process alive
}

serve();
