/**
 * A self-signed certificate for 127.0.0.1 and localhost, made at start.
 *
 * node:crypto signs but writes no certificates, so the few DER structures of RFC 5280 are written here.
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

const OID_ECDSA_SHA256 = Buffer.from("06082a8648ce3d040302", "hex");
const OID_COMMON_NAME = Buffer.from("0603550403", "hex");
const OID_BASIC_CONSTRAINTS = Buffer.from("0603551d13", "hex");
const OID_ALT_NAMES = Buffer.from("0603551d11", "hex");
const TRUE = Buffer.from("0101ff", "hex");
const VALID_DAYS = 365;

function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length =
    body.length < 128
      ? Buffer.from([body.length])
      : body.length < 256
        ? Buffer.from([0x81, body.length])
        : Buffer.from([0x82, body.length >> 8, body.length & 255]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
const octets = (body: Buffer): Buffer => der(0x04, body);
const bits = (body: Buffer): Buffer => der(0x03, Buffer.from([0]), body);
const integer = (body: Buffer): Buffer => der(0x02, body);
const time = (at: Date): Buffer => der(0x17, Buffer.from(`${at.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));

export interface TlsCertificate {
  readonly key: string;
  readonly cert: string;
}

export function selfSigned(): TlsCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(OID_ECDSA_SHA256);
  const name = sequence(der(0x31, sequence(OID_COMMON_NAME, der(0x0c, Buffer.from("greenroom loopback")))));
  // A serial number is positive: the first byte keeps the sign bit clear and is not zero.
  const serial = Buffer.concat([Buffer.from([0x4c]), randomBytes(8)]);
  const validity = sequence(time(new Date(Date.now() - 86_400_000)), time(new Date(Date.now() + VALID_DAYS * 86_400_000)));
  const altNames = sequence(der(0x82, Buffer.from("localhost")), der(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = sequence(
    sequence(OID_BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE))),
    sequence(OID_ALT_NAMES, octets(altNames)),
  );
  const version3 = der(0xa0, integer(Buffer.from([2])));
  const body = sequence(
    version3,
    integer(serial),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, extensions),
  );
  const certificate = sequence(body, algorithm, bits(sign("sha256", body, privateKey)));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
  };
}
