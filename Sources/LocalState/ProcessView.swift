import FoundationEssentials
import Glibc

/// A process as `/proc` shows it.
package struct ProcessView: Sendable {
    package enum State: Sendable, Equatable {
        case running
        /// Stopped by a signal such as SIGSTOP, or by a debugger: it keeps what it holds and does nothing.
        case stopped
        case ended
    }

    package let pid: Int32

    package init(pid: Int32) {
        self.pid = pid
    }

    package var state: State {
        Self.text(of: "/proc/\(pid)/stat").map(Self.state(stat:)) ?? .ended
    }

    /// Resident memory in bytes; nil when there is no such process.
    package var residentBytes: Int? {
        Self.text(of: "/proc/\(pid)/statm").flatMap { Self.resident(statm: $0, pageBytes: Int(sysconf(Int32(_SC_PAGESIZE)))) }
    }

    /// What a process has in memory, in bytes: shared pages are the executable and its libraries.
    package struct Memory: Sendable, Equatable {
        /// Private memory, which the system gets back when the process ends (USS).
        package let own: Int
        /// Private memory and a proportional share of shared pages (PSS).
        package let proportional: Int
    }

    /// Nil where there is no such process or this account may not look.
    package var memory: Memory? {
        Self.text(of: "/proc/\(pid)/smaps_rollup").flatMap(Self.memory(rollup:))
    }

    static func memory(rollup: String) -> Memory? {
        var kilobytes: [Substring: Int] = [:]
        for line in rollup.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 3, words[2] == "kB", let value = Int(words[1]) { kilobytes[words[0], default: 0] += value }
        }
        guard let clean = kilobytes["Private_Clean:"], let dirty = kilobytes["Private_Dirty:"], let share = kilobytes["Pss:"] else { return nil }
        return Memory(own: (clean + dirty) * 1024, proportional: share * 1024)
    }

    /// The TCP ports on which it listens; empty where this account may not look.
    package var listeningPorts: Set<Int> {
        let sockets = sockets
        return ["tcp", "tcp6"].reduce(into: []) { ports, name in
            guard let table = Self.text(of: "/proc/\(pid)/net/\(name)") else { return }
            ports.formUnion(Self.listeningPorts(table: table, sockets: sockets))
        }
    }

    /// Of one file below `/proc`: a table of some hundred thousand sockets.
    private static let maximumBytes = 32 << 20

    /// The kernel reports such a file as empty, and returns it in parts as it writes them: only a read of zero bytes is its end.
    private static func text(of path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < maximumBytes {
            let count = unsafe part.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes += part.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The inodes of its sockets.
    private var sockets: Set<String> {
        let folder = "/proc/\(pid)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let targets = names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
        return Set(targets.filter { $0.hasPrefix("socket:[") && $0.hasSuffix("]") }.map { String($0.dropFirst("socket:[".count).dropLast()) })
    }

    /// The state is the first letter after the name, which stands in brackets and may hold any character.
    package static func state(stat: String) -> State {
        guard let end = stat.lastIndex(of: ")") else { return .ended }
        return switch stat[stat.index(after: end)...].first(where: { $0 != " " }) {
        case "T", "t": .stopped
        case "Z", "X", nil: .ended
        default: .running
        }
    }

    /// The second field of `statm` is the number of resident pages; 0 for a zombie.
    package static func resident(statm: String, pageBytes: Int) -> Int? {
        let fields = statm.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]), pages > 0 else { return nil }
        return pages * pageBytes
    }

    /// `/proc/net/tcp` has one line a socket: number, local address and port in hexadecimal, remote address, state (0A listens), …, inode as the tenth.
    package static func listeningPorts(table: String, sockets: Set<String>) -> Set<Int> {
        let ports = table.split(separator: "\n").dropFirst().compactMap { line -> Int? in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", sockets.contains(String(fields[9])) else { return nil }
            return fields[1].split(separator: ":").last.flatMap { Int($0, radix: 16) }
        }
        return Set(ports)
    }
}
