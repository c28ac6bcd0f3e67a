import FoundationEssentials
import LocalState
import Terminal
import Up

/// A temporary folder in which everything that the benchmark starts keeps its data.
struct BenchFolder: Sendable {
    private static let sources = "bench"

    /// The folder `bench` of the project, with the programs of the limits.
    let programs: String
    private let folder: PrivateFolder

    /// Makes the folder.
    /// - Throws: ``BenchError`` with code `missing` when the working folder is not the project's.
    init() throws {
        programs = "\(FileManager.default.currentDirectoryPath)/\(Self.sources)"
        for needed in ["raw.c", "steps.c", "tunnel.c", "requests.lua", "one-order.sql"] where !FileManager.default.fileExists(atPath: "\(programs)/\(needed)") {
            throw BenchError(.missing, "\(programs)/\(needed) is not there; run wharf-dev bench in the project's folder.")
        }
        do {
            folder = try PrivateFolder("bench")
        } catch {
            throw BenchError(.missing, "\(error)")
        }
    }

    var path: String { folder.path }
    var state: StateFolder { folder.state }

    func file(_ name: String) -> String { folder.file(name) }
    func remove() { folder.remove() }
}
