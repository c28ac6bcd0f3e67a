import FoundationEssentials
import LocalServers
import TestKit
import Testing

@testable import Bench
@testable import LocalState

extension System {
    @Suite struct `Alarms` {
        @Test func `a memory alarm in mid checkout rejects new requests at once, and accepted orders settle when it is over`() async throws {
            let wharf = try RunningWharf.get()
            let guest = try Visitor.guest()
            try await wharf.load(orders: 120, from: try wharf.madeUpBaskets()) {
                try await wharf.setMemoryLimit("0.000001")
                do {
                    // Sent to publishers, and from then on known before any request waits.
                    try await eventually("Newcomers are turned away") {
                        let answer = try await guest.post("/v1/carts")
                        return answer.status == 503 && answer.header("retry-after") != nil
                    }
                    #expect(try await guest.get("/readyz").status == 503)
                    #expect(try await guest.get("/livez").status == 200)
                } catch {
                    try await wharf.setMemoryLimit(RunningWharf.standardMemoryLimit)
                    throw error
                }
                try await wharf.setMemoryLimit(RunningWharf.standardMemoryLimit)
            }
        }
    }
}

extension RunningWharf {
    /// RabbitMQ's own default: the share of the machine's memory from which on it accepts no publications.
    static let standardMemoryLimit = "0.4"

    func setMemoryLimit(_ share: String) async throws {
        try await control("set_vm_memory_high_watermark", share)
    }

    /// Runs `rabbitmqctl` against the broker.
    func control(_ arguments: String...) async throws {
        let broker = folder.rabbitMQ
        let ports: [String: Int] = try JSONDecoder().decode(
            [String: Int].self, from: try Data(contentsOf: URL(filePath: "\(broker)/ports.json")))
        let control = ManagedProcess(
            name: "rabbitmqctl",
            command: ProcessCommand(
                "/usr/lib/rabbitmq/bin/rabbitmqctl", arguments,
                environment: [
                    "HOME": broker, "ERL_EPMD_PORT": "\(ports["epmd", default: 0])", "RABBITMQ_NODENAME": "wharf@localhost",
                    "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
                ],
                inheritsEnvironment: false, workingFolder: broker),
            output: .file("\(broker)/control.log"))
        try await control.start()
        #expect(await control.exit == .exited(0), "see \(broker)/control.log")
    }
}
