// aws4 (npm), for tests/bench/sigv4.lua.
//
// usage: node sigv4.js AWS4_DIRECTORY SECONDS BODY TOKEN
// prints the signatures per second of CPU time
'use strict'
const [directory, seconds, body, token] = process.argv.slice(2)
const aws4 = require(directory)

const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: token,
}

function sign() {
  return aws4.sign({
    service: 'ec2', region: 'us-east-1', method: 'POST', path: '/', body,
    extraHeadersToIgnore: { 'content-length': true }, // the others do not sign it either
    headers: {
      Host: 'ec2.us-east-1.amazonaws.com',
      'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
    },
  }, credentials).headers
}

if (!sign().Authorization.includes('SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,'))
  throw new Error('aws4 signs other headers than the rest: ' + sign().Authorization)

function cpuSeconds() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

let best = 0
const start = cpuSeconds()
while (cpuSeconds() - start < Number(seconds)) {
  const before = cpuSeconds()
  for (let i = 0; i < 2000; i++) sign()
  best = Math.max(best, 2000 / (cpuSeconds() - before))
}
console.log(Math.round(best))
