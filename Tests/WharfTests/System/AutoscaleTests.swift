import AMQP
import FoundationEssentials
import Glibc
import Logging
import Messaging
import Operations
import Processes
import TestKit
import Testing
import WebClient

@testable import Assembly
@testable import LocalState

extension System {
    @Suite struct `Autoscaling` {
        private static let burst = 1_500
        /// RabbitMQ renews its statistics every five seconds.
        private static let limit = Duration.seconds(90)

        @Test func `a burst that no worker takes makes a pool grow; afterwards it shrinks, and ends with its command`() async throws {
            let wharf = try RunningWharf.get()
            let frozen = try wharf.record.processes.filter { $0.role == ServiceName.carts.rawValue }.map(\.pid)
            #expect(!frozen.isEmpty)
            for pid in frozen { kill(pid, SIGSTOP) }
            defer { for pid in frozen { kill(pid, SIGCONT) } }
            try await wharf.send(Self.burst, "carts.carts.create")
            let folder = URL(filePath: wharf.folder.path).deletingLastPathComponent().path
            let autoscaler = ManagedProcess(
                name: "wharf autoscale",
                command: ProcessCommand(
                    RunningWharf.executable, ["autoscale", "carts", "--min", "0", "--max", "3", "--depth", "300", "--interval", "1", "--calm", "3"],
                    environment: ["LOG_FORMAT": "text"], inheritsEnvironment: false, workingFolder: folder),
                output: .file("\(folder)/autoscale.log"))
            try await autoscaler.start()
            do {
                let pid = try #require(await autoscaler.pid)
                let workers = { @Sendable in ProcessTree.descendants(of: pid).count { $0.isAlive } }
                try await eventually("Three workers", within: Self.limit) { workers() == 3 }
                // The messages that frozen workers hold stay with them.
                try await eventually("What waited is handled", within: Self.limit) { try await wharf.messages(in: "carts.commands").waiting == 0 }
                for pid in frozen { kill(pid, SIGCONT) }
                try await eventually("The queue is empty", within: Self.limit) { try await wharf.messages(in: "carts.commands").all == 0 }
                try await eventually("No worker is needed", within: Self.limit) { workers() == 0 }
                await autoscaler.send(signal: SIGTERM)
                try await eventually("The end") { await !autoscaler.isRunning }
            } catch {
                await autoscaler.kill()
                throw error
            }
            #expect(await autoscaler.exit == .exited(0))
            let log = String(decoding: try Data(contentsOf: URL(filePath: "\(folder)/autoscale.log")), as: UTF8.self)
            #expect(log.contains("messages in carts.commands") && log.contains("one fewer has been enough"), "\(log)")
        }
    }
}

extension RunningWharf {
    /// Sends requests for which no answer is expected.
    fileprivate func send(_ count: Int, _ operation: String) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let publisher = try Assembly(settings: settings, logger: logger, name: "burst").publisher(Settings.administrator, confirms: true)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await publisher.run() }
            let requests = (0..<count).map { _ in Request(id: UUID(), operation: operation).publication(durability: .durable, now: .now) }
            let outcomes = await publisher.publish(requests, deadline: .seconds(30))
            #expect(outcomes.allSatisfy { $0 == .confirmed })
            group.cancelAll()
        }
    }

    fileprivate func messages(in queue: String) async throws -> (all: Int, waiting: Int) {
        struct Queue: Decodable { let messages: Int, messages_ready: Int }
        let url = try #require(settings.managementURL)
        let nodes = try ManagementNodes(url, transport: web)
        let answer = try await nodes.send("GET", "/api/queues/%2F/\(queue)?columns=messages,messages_ready", timeout: .seconds(10))
        let figures = try JSONDecoder().decode(Queue.self, from: Data(answer.body))
        return (figures.messages, figures.messages_ready)
    }
}
