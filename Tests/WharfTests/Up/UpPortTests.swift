import FoundationEssentials
import Glibc
import LocalServers
import TestKit
import Testing

@testable import Assembly

/// The ingress alone: it listens, or names the setting that prevents it, before it needs any server.
@Suite(.timeLimit(.minutes(2))) struct ListenAddressTests {
    private func run(_ environment: [String: String]) async throws -> (status: ManagedProcess.ExitStatus?, log: String) {
        let folder = try TemporaryFolder()
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/topology", withDestinationPath: "\(RunningWharf.repository())/topology")
        let process = ManagedProcess(
            name: "ingress",
            command: ProcessCommand(
                RunningWharf.executable, ["ingress"], environment: environment, inheritsEnvironment: false, workingFolder: folder.path),
            output: .file("\(folder.path)/log"))
        try await process.start()
        let status = await process.exit
        return (status, String(decoding: try Data(contentsOf: URL(filePath: "\(folder.path)/log")), as: UTF8.self))
    }

    @Test(arguments: ["WHARF_HTTP_ADDRESS", "WHARF_ADMIN_ADDRESS"])
    func `a port that another program has taken is an error that names the setting`(name: String) async throws {
        let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(taken) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                #expect(unsafe bind(taken, address, size) == 0 && listen(taken, 1) == 0 && getsockname(taken, address, &size) == 0)
            }
        }
        let port = in_port_t(bigEndian: address.sin_port)
        let addresses = ["WHARF_HTTP_ADDRESS": "127.0.0.1:0", "WHARF_ADMIN_ADDRESS": "127.0.0.1:0"].merging([name: "127.0.0.1:\(port)"]) { $1 }
        let (status, log) = try await run(addresses.merging(["WHARF_AMQP_URL": "amqp://127.0.0.1:1/"]) { $1 })
        #expect(status == .exited(78), "\(log)")
        #expect(log.contains(name), "\(log)")
    }

    @Test func `an address that is not this machine's is an error that names the setting`() async throws {
        let (status, log) = try await run(["WHARF_HTTP_ADDRESS": "banana.invalid:80", "WHARF_AMQP_URL": "amqp://127.0.0.1:1/"])
        #expect(status == .exited(78), "\(log)")
        #expect(log.contains("WHARF_HTTP_ADDRESS"), "\(log)")
    }
}
