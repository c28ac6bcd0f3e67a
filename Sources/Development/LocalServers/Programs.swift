import FoundationEssentials
import Glibc

/// Where the servers' programs are installed.
enum Programs {
    /// The first of the folders, and then of PATH, that holds the program.
    /// - Throws: ``LocalServerError`` with code `missing`.
    static func find(_ name: String, in folders: [String] = [], package: String) throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let candidates = folders + path.split(separator: ":").map(String.init) + ["/usr/bin", "/bin", "/usr/sbin"]
        for folder in candidates where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
            return "\(folder)/\(name)"
        }
        throw LocalServerError(
            .missing, "\(name) is not installed.", advice: "Install it: apt-get install --no-install-recommends \(package)")
    }

    /// Debian's PostgreSQL folders, the newest version first.
    static func postgresFolders(under root: String = "/usr/lib/postgresql") -> [String] {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.compactMap(Int.init).sorted(by: >).map { "\(root)/\($0)/bin" }
    }

    /// The account to run as when this process is root and the program refuses root; nil otherwise.
    static func accountInsteadOfRoot(_ name: String) -> String? {
        geteuid() == 0 ? name : nil
    }
}
