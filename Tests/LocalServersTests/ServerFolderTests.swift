import FoundationEssentials
import TestKit
import Testing

@testable import LocalServers

@Suite struct ServerFolderTests {
    @Test func `ports and secrets are remembered`() throws {
        let path = TestServers.folder("folder")
        let first = try ServerFolder(path)
        let ports = try first.ports(["a", "b"], logger: nil)
        #expect(Set(ports.values).count == 2)
        let secret = try first.secret("password")
        #expect(secret.utf8.count == 43)

        let second = try ServerFolder(path)
        #expect(try second.ports(["a", "b"], logger: nil) == ports)
        #expect(try second.secret("password") == secret)
        #expect(try ServerFolder(path + "-other").secret("password") != secret)
    }

    @Test func `only its owner can read a secret`() throws {
        let folder = try ServerFolder(TestServers.folder("folder"))
        _ = try folder.secret("password")
        #expect(try permissions(folder.file("password")) == 0o600)
        #expect(try permissions(folder.path) == 0o700)
    }

    private func permissions(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func `a remembered port that is taken is replaced`() throws {
        let folder = try ServerFolder(TestServers.folder("folder"))
        let port = try #require(try folder.ports(["a"], logger: nil)["a"])
        #expect(!FreePorts.claim(port, for: "somebody else"))
        try folder.write(#"{"a": 1, "b": \#(port)}"#, to: "ports.json")
        let ports = try ServerFolder(folder.path + "-other")
        try ports.write(#"{"a": \#(port)}"#, to: "ports.json")
        #expect(try ports.ports(["a"], logger: nil)["a"] != port)
    }

    @Test func `a folder is locked by one server at a time`() throws {
        let folder = try ServerFolder(TestServers.folder("folder"))
        var lock: FolderLock? = try FolderLock(folder)
        #expect(throws: LocalServerError.self) { try FolderLock(folder) }
        #expect(lock != nil)
        lock = nil
        #expect(throws: Never.self) { try FolderLock(folder) }
    }

    @Test func `a line end at the end of a tool's answer is dropped`() {
        #expect("a\nb\n\n".trimmingNewlines == "a\nb")
        #expect("\n".trimmingNewlines == "")
    }
}
