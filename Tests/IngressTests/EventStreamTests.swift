import Contracts
import FoundationEssentials
import Ingress
import Messaging
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct EventStreamTests {
    private static let order = "3d1b8c56-0d4f-4a8c-9e57-6f2a1b9c7d33"

    /// An order with this many events, which settles with the last of `total`.
    private final class Order: Sendable {
        private let count: Mutex<Int>
        private let total: Int
        /// Requests for versions that go unanswered, as when workers or the broker are away.
        private let silent: Mutex<Int>

        init(_ count: Int, of total: Int, silent: Int = 0) {
            self.count = Mutex(count)
            self.silent = Mutex(silent)
            self.total = total
        }

        var requests: FakeRequests {
            FakeRequests { [self] request in
                guard request.operation == "orders.orders.events" else {
                    let isSilent = silent.withLock { left in
                        left -= 1
                        return left >= 0
                    }
                    if isSilent { throw RequestClient.Unanswered.timedOut }
                    // Something happens between two requests.
                    let version = count.withLock { count in
                        count = min(count + 1, total)
                        return count
                    }
                    return try Reply(json: ["versions": [EventStreamTests.order: version]])
                }
                let after = (request.parameters["after"] ?? request.parameters["last-event-id"]).flatMap { Int($0) } ?? -1
                let count = count.withLock { $0 }
                let events = (0..<count).dropFirst(after + 1).map { "id: \($0)\ndata: {}\n\n" }.joined()
                if events.isEmpty, count == total { return .noContent }
                var reply = Reply(status: 200, headers: ["content-type": "text/event-stream; charset=utf-8"], body: Array(events.utf8))
                if count < total { reply.headers[Reply.nextPage] = String(count - 1) }
                return reply
            }
        }
    }

    private func exchange(_ requests: FakeRequests, _ headers: String = "") async throws -> String {
        try await TestIngress.with(requests) { port in
            try await Connection.with(port) { connection in
                try await connection.write("GET /v1/orders/\(Self.order)/events?token=x HTTP/1.1\r\nHost: wharf\r\nConnection: close\r\n\(headers)\r\n")
                return await connection.rest()
            }
        }
    }

    @Test(arguments: [0, 2]) func `events follow each other until the order has settled, also when there is no answer for a while`(silent: Int) async throws {
        let text = try await exchange(Order(1, of: 3, silent: silent).requests)
        #expect(text.hasPrefix("HTTP/1.1 200"))
        #expect(text.contains("text/event-stream"))
        #expect(!text.lowercased().contains("x-wharf-next"))
        for id in 0..<3 { #expect(text.ranges(of: "id: \(id)\n").count == 1) }
        #expect(text.hasSuffix("0\r\n\r\n"))
    }

    @Test func `a client that reconnects gets the events that it does not have, or 204 when none follow`() async throws {
        let text = try await exchange(Order(2, of: 3).requests, "Last-Event-ID: 0\r\n")
        #expect(!text.contains("id: 0\n") && text.contains("id: 1\n") && text.contains("id: 2\n"))
        #expect(try await exchange(Order(3, of: 3).requests, "Last-Event-ID: 2\r\n").hasPrefix("HTTP/1.1 204"))
    }

    @Test func `no request is sent for orders without listeners`() async throws {
        let requests = Order(3, of: 3).requests
        _ = try await exchange(requests)
        #expect(requests.sent.map(\.request.operation) == ["orders.orders.events"])
    }
}
