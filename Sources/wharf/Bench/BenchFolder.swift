import FoundationEssentials
import Glibc
import Secrets

/// A temporary folder in which everything that the benchmark starts keeps its data.
struct BenchFolder: Sendable {
    /// On a disk, unlike `/tmp` on some systems: a sync to memory would cost nothing and prove nothing.
    private static let parent = "/var/tmp"
    private static let sources = "bench"

    let path: String
    /// The folder `bench` of the project, with the programs of the limits.
    let programs: String

    /// Makes the folder.
    /// - Throws: ``BenchError`` with code `missing` when the working folder is not the project's.
    init() throws {
        let here = FileManager.default.currentDirectoryPath
        let topology = "\(here)/topology"
        programs = "\(here)/\(Self.sources)"
        for needed in [topology, "\(programs)/raw.c", "\(programs)/one-order.sql"]
        where !FileManager.default.fileExists(atPath: needed) {
            throw BenchError(.missing, "\(needed) is not there; run wharf bench in the project's folder.")
        }
        path = "\(Self.parent)/wharf-bench-\(getpid())-\(SecureRandom.token().prefix(8))"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            // PostgreSQL's account passes through, and sees nothing.
            try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: path)
            try FileManager.default.createSymbolicLink(atPath: "\(path)/topology", withDestinationPath: topology)
        } catch {
            throw BenchError(.missing, "Cannot make the folder \(path): \(error)")
        }
    }

    var state: StateFolder { StateFolder(path: "\(path)/\(StateFolder.name)") }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
