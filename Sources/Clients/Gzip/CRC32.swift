import CZlib

/// The checksum of gzip and PNG (ISO 3309). It detects accidental corruption, and proves nothing about a sender.
public enum CRC32 {
    public static func checksum(_ bytes: [UInt8]) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32_z(0, bytes, bytes.count))
    }
}
