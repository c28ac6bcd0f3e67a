import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import LocalState

extension System {
    @Suite struct `Memory` {
        private static let connections = 400
        /// Of a body of 1 MiB.
        private static let half = String(repeating: "x", count: 1 << 19)
        /// Its handlers and tasks, and one read from it.
        private static let bytesPerConnection = 128 << 10

        @Test func `connections with half-sent large bodies that were refused cost little for as long as they live`() async throws {
            let wharf = try RunningWharf.get()
            let ingress = try #require(try wharf.record.processes.first { $0.role == "ingress" }).pid
            let before = try Self.residentBytes(of: ingress)
            let refused = Count()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<Self.connections {
                    group.addTask { try await Self.sendHalf(to: wharf.url, counting: refused) }
                }
                try await eventually("All are refused", within: .seconds(60)) { refused.value.load(ordering: .relaxed) == Self.connections }
                #expect(try Self.residentBytes(of: ingress) - before < Self.connections * Self.bytesPerConnection)
                group.cancelAll()
            }
        }

        private final class Count: Sendable {
            let value = Atomic(0)
        }

        /// Counts its answer, and stays connected until it is cancelled. Its body is never read: the request has no Idempotency-Key.
        private static func sendHalf(to url: String, counting refused: Count) async throws {
            let port = try #require(url.split(separator: ":").last.flatMap { Int($0) })
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
            }
            try await channel.executeThenClose { inbound, outbound in
                let head = "POST /v1/checkouts HTTP/1.1\r\nHost: wharf\r\nContent-Type: application/json\r\nContent-Length: \(2 * half.utf8.count)\r\n\r\n"
                try await outbound.write(ByteBuffer(string: head + half))
                var isAnswered = false
                for try await answer in inbound where !isAnswered {
                    isAnswered = true
                    #expect(String(buffer: answer).hasPrefix("HTTP/1.1 400 "))
                    refused.value.add(1, ordering: .relaxed)
                }
            }
        }

        private static func residentBytes(of pid: Int32) throws -> Int {
            let pages = try String(contentsOf: URL(filePath: "/proc/\(pid)/statm"), encoding: .utf8).split(separator: " ")
            return try #require(pages.dropFirst().first.flatMap { Int($0) }) * Int(getpagesize())
        }
    }
}
