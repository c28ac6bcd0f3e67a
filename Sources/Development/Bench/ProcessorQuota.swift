import FoundationEssentials
import Glibc
import Terminal

/// Limits processes to a share of one processor, with a control group (version 2 or 1) for each, so that workers become the bottleneck of a shop even on a machine
/// with few processors. Needs root.
struct ProcessorQuota: Sendable {
    /// In microseconds. Short, so that a process that has used its share does not wait longer than a turn may take.
    private static let period = 50_000
    private static let parents = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu"]

    private let folders: [String]
    private let root: String

    /// - Parameters:
    ///   - share: The share of one processor, 0.02 to 1.
    ///   - processes: Running ones. They keep their share until ``remove()``.
    /// - Throws: ``BenchError`` if control groups cannot be created on this machine.
    init(_ share: Double, of processes: [Int32]) throws {
        guard let root = Self.parents.first(where: Self.controlsProcessors) else {
            throw BenchError(.failed, "There is no control group for processors here: the workers cannot be made the bottleneck.")
        }
        self.root = root
        let quota = Int(Double(Self.period) * min(max(share, 0.02), 1))
        let name = "\(root)/wharf-bench-\(getpid())"
        var folders: [String] = []
        for process in processes {
            let folder = "\(name)-\(process)"
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
                folders.append(folder)
                for (file, text) in Self.settings(quota, at: root) { try Self.write(text, to: "\(folder)/\(file)") }
                try Self.write("\(process)", to: "\(folder)/cgroup.procs")
            } catch {
                Self.remove(folders, to: root)
                throw BenchError(.failed, "A worker cannot be limited to \(share) of a processor: \(error)")
            }
        }
        self.folders = folders
    }

    /// Removes the quotas of the processes that still run.
    func remove() { Self.remove(folders, to: root) }

    private static func remove(_ folders: [String], to root: String) {
        for folder in folders {
            let left = (try? Data(contentsOf: URL(filePath: "\(folder)/cgroup.procs"))).map { String(decoding: $0, as: UTF8.self) } ?? ""
            for process in left.split(separator: "\n") { try? write(String(process), to: "\(root)/cgroup.procs") }
            // A control group is removed like an empty folder, although it shows files.
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    private static func controlsProcessors(_ root: String) -> Bool {
        if FileManager.default.fileExists(atPath: "\(root)/cpu.cfs_quota_us") { return true }
        guard let controllers = try? Data(contentsOf: URL(filePath: "\(root)/cgroup.subtree_control")) else { return false }
        return String(decoding: controllers, as: UTF8.self).split { $0 == " " || $0 == "\n" }.contains("cpu")
    }

    private static func settings(_ quota: Int, at root: String) -> [(String, String)] {
        FileManager.default.fileExists(atPath: "\(root)/cpu.cfs_quota_us")
            ? [("cpu.cfs_period_us", "\(period)"), ("cpu.cfs_quota_us", "\(quota)")] : [("cpu.max", "\(quota) \(period)")]
    }

    private static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }
}
