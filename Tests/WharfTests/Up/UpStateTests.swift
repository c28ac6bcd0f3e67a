import FoundationEssentials
import Glibc
import Testing

@testable import LocalState
@testable import Terminal
@testable import Up

@Suite struct StateFolderTests {
    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func `it is closed to others, but root's lets PostgreSQL's account pass`() throws {
        let folder = try TemporaryFolder()
        let state = StateFolder(path: "\(folder.path)/.wharf")
        try state.create(isRoot: false)
        #expect(try mode(state.path) == 0o700)
        try state.create(isRoot: true)
        #expect(try mode(state.path) == 0o711)
        #expect(try mode(state.logs) == 0o700)
    }

    @Test func `a written value is read again, and readable by its owner alone`() throws {
        let folder = try TemporaryFolder()
        let state = StateFolder(path: folder.path)
        #expect(try state.read([Int].self, from: "numbers.json") == nil)
        try state.write([1, 2], to: "numbers.json")
        try state.write([1, 2, 3], to: "numbers.json")
        #expect(try state.read([Int].self, from: "numbers.json") == [1, 2, 3])
        #expect(try mode(state.file("numbers.json")) == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["numbers.json"])
    }

    @Test func `a malformed file is named`() throws {
        let folder = try TemporaryFolder()
        let state = StateFolder(path: folder.path)
        try Data("{".utf8).write(to: URL(filePath: state.file("secrets.json")))
        let error = #expect(throws: UpError.self) { try state.read([Int].self, from: "secrets.json") }
        #expect(error?.message.contains(state.file("secrets.json")) == true)
    }

    @Test func `a folder below a closed one is not enterable by all`() throws {
        let folder = try TemporaryFolder()
        #expect(unsafe chmod(folder.path, 0o755) == 0)
        #expect(StateFolder.isEnterableByAll(folder.path))
        let inner = "\(folder.path)/closed/open"
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        #expect(unsafe chmod("\(folder.path)/closed", 0o700) == 0)
        #expect(!StateFolder.isEnterableByAll(inner))
        #expect(!StateFolder.isEnterableByAll("\(folder.path)/missing"))
    }

    @Test func `PostgreSQL's data stays inside where its account can get there`() throws {
        let state = StateFolder(path: "/shop/.wharf")
        #expect(try state.postgres(isRoot: false) == "/shop/.wharf/postgres")
    }
}

@Suite struct UpLockTests {
    @Test func `a second one is refused, naming the first one's process id`() throws {
        let folder = try TemporaryFolder()
        let state = StateFolder(path: folder.path)
        #expect(try UpLock.holder(of: state) == nil)
        let lock = try UpLock(state)
        #expect(try UpLock.holder(of: state) == getpid())
        let error = #expect(throws: UpError.self) { try UpLock(state) }
        #expect(error?.message.contains("process \(getpid())") == true)
        withExtendedLifetime(lock) {}
    }

    @Test func `a lock is free again after its owner's end`() throws {
        let folder = try TemporaryFolder()
        let state = StateFolder(path: folder.path)
        do { _ = try UpLock(state) }
        #expect(try UpLock.holder(of: state) == nil)
        _ = try UpLock(state)
    }
}

@Suite struct LogFileTests {
    @Test func `its last lines are quoted`() throws {
        let folder = try TemporaryFolder()
        let log = LogFile(path: "\(folder.path)/log")
        #expect(log.lastLines(1) == [])
        try Data("one\ntwo\n\nthree\n".utf8).write(to: URL(filePath: log.path))
        #expect(log.lastLines(2) == ["two", "three"])
    }

    @Test func `only a large log is moved aside`() throws {
        let folder = try TemporaryFolder()
        let log = LogFile(path: "\(folder.path)/log")
        try Data("small".utf8).write(to: URL(filePath: log.path))
        log.rotate()
        #expect(FileManager.default.fileExists(atPath: log.path))
        #expect(unsafe truncate(log.path, off_t(LogFile.maximumBytes + 1)) == 0)
        log.rotate()
        #expect(!FileManager.default.fileExists(atPath: log.path))
        #expect(FileManager.default.fileExists(atPath: "\(log.path).old"))
    }
}

@Suite struct RunRecordTests {
    @Test func `a restarted process has its new id and is counted`() {
        var record = RunRecord(
            pid: 1, startedAt: .distantPast, state: .starting, httpAddress: "127.0.0.1:8080", url: "http://127.0.0.1:8080", sandboxURL: nil,
            managementURL: "http://127.0.0.1:15672", adminEmail: "admin@wharf.example")
        record.began("orders-1", role: "orders", pid: 10, at: .distantPast)
        record.began("orders-2", role: "orders", pid: 11, at: .distantPast)
        record.began("orders-1", role: "orders", pid: 12, at: .distantFuture)
        #expect(record.processes.map(\.pid) == [12, 11])
        #expect(record.processes.map(\.restarts) == [1, 0])
        #expect(record.processes[0].startedAt == .distantFuture)
    }
}
