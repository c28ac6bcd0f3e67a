import Foundation

/// A self-signed certificate for `localhost`, created once per run.
public struct TLSIdentity: Sendable {
    public static let shared = Task { try await blocking { try TLSIdentity() } }

    /// Paths of PEM files.
    public let certificate: String
    public let key: String

    private struct NoCertificate: Error {
        let status: Int32
    }

    private init() throws {
        let folder = TestServers.folder("tls")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        certificate = "\(folder)/certificate.pem"
        key = "\(folder)/key.pem"
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments =
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
            + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        guard openssl.terminationStatus == 0 else { throw NoCertificate(status: openssl.terminationStatus) }
    }
}
