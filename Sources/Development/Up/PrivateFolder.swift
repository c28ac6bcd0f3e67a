import FoundationEssentials
import Glibc
import LocalState
import Secrets
import Terminal

/// A temporary folder for a whole shop with servers of its own, in which the commands of this executable run as they do in the project's folder.
package struct PrivateFolder: Sendable {
    /// On a disk, unlike `/tmp` on some systems: a sync to memory would cost nothing and prove nothing.
    private static let parent = "/var/tmp"
    private static let topology = "topology"

    package let path: String

    /// Makes the folder, with a link to the topology of the working folder.
    /// - Parameter purpose: becomes part of its name.
    /// - Throws: ``UpError`` with code `folder`.
    package init(_ purpose: String) throws(UpError) {
        let topology = "\(FileManager.default.currentDirectoryPath)/\(Self.topology)"
        guard FileManager.default.fileExists(atPath: topology) else {
            throw UpError(.folder, "\(topology) is not there.", advice: "Run wharf \(purpose) in the project's folder.")
        }
        path = "\(Self.parent)/wharf-\(purpose)-\(getpid())-\(SecureRandom.token().prefix(8))"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            // PostgreSQL's account may pass through, and read nothing.
            try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: path)
            try FileManager.default.createSymbolicLink(atPath: file(Self.topology), withDestinationPath: topology)
        } catch {
            throw UpError(.folder, "Cannot make the folder \(path): \(error)")
        }
    }

    package var state: StateFolder { StateFolder(path: file(StateFolder.name)) }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    package func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
