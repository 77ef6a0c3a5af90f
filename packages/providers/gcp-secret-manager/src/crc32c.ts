/** The polynomial of CRC-32C (Castagnoli), bits reversed: RFC 3720, appendix B.4. */
const POLYNOMIAL = 0x82f63b78;

let table: Uint32Array | undefined;

/** The CRC-32C of `bytes`, the checksum that Secret Manager sends along. Node's zlib has only the other CRC-32. */
export function crc32c(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) {
      remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
    }
    return remainder;
  });
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] as number);
  return (crc ^ 0xffffffff) >>> 0;
}
