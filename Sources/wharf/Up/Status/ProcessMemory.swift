import FoundationEssentials
import Glibc

/// What `/proc` tells about a process's memory.
enum ProcessMemory {
    /// Resident memory in bytes; nil when there is no such process.
    static func resident(_ pid: Int32) -> Int? {
        guard let data = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/statm")) else { return nil }
        return resident(statm: String(decoding: data, as: UTF8.self), pageBytes: Int(sysconf(Int32(_SC_PAGESIZE))))
    }

    /// The second field of `statm` is the number of resident pages; 0 for a zombie.
    static func resident(statm: String, pageBytes: Int) -> Int? {
        let fields = statm.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]), pages > 0 else { return nil }
        return pages * pageBytes
    }
}
