import FoundationEssentials
import TestKit

@testable import LocalServers

// Passed from an exit test, which is a process of its own, to the test that checks what it left behind.

func writeProcesses(_ processes: [ProcessIdentity], to path: String) throws {
    try write(processes.map { "\($0.id) \($0.startTime)" }.joined(separator: "\n"), to: path)
}

func readProcesses(_ path: String) throws -> [ProcessIdentity] {
    try read(path).split(separator: "\n").compactMap { line in
        let numbers = line.split(separator: " ")
        guard numbers.count == 2, let id = Int32(numbers[0]), let start = UInt64(numbers[1]) else { return nil }
        return ProcessIdentity(id: id, startTime: start)
    }
}

func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
}

func read(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
}

/// The processes of a server: its own and all below.
func processes(of process: ManagedProcess) async -> [ProcessIdentity] {
    guard let pid = await process.pid, let status = ProcessStatus(id: pid) else { return [] }
    return [ProcessIdentity(id: pid, startTime: status.startTime)] + ProcessTree.descendants(of: pid)
}
