import FoundationEssentials
import ShopClient
import Synchronization
import Terminal
import WebClient

/// Many customers at once, who read only the status of an answer: a client that costs little compared with what it measures.
struct BenchCustomers: Sendable {
    private static let timeout = Duration.seconds(40)
    /// Attempts at one request, the first included.
    private static let maximumAttempts = 20

    let transport: any HTTPTransport
    /// The shop's URL, without a slash at the end.
    let url: String
    let count: Int
    private let retried = RetryCount()

    init(transport: any HTTPTransport, url: String, count: Int) {
        self.transport = transport
        self.url = url
        self.count = count
    }

    /// How often the answer was "not now".
    var retries: Int { retried.value }

    /// Every number from 0 on is handled once, by the next free customer.
    func each(of total: Int, _ handle: @escaping @Sendable (Int) async throws -> Void) async throws -> Latencies {
        let next = Counter()
        return try await withThrowingTaskGroup(of: [Duration].self) { group in
            for _ in 0..<min(count, total) {
                group.addTask {
                    var durations: [Duration] = []
                    let clock = ContinuousClock()
                    while true {
                        let number = next.take()
                        guard number < total else { return durations }
                        let start = clock.now
                        try await handle(number)
                        durations.append(clock.now - start)
                    }
                }
            }
            return Latencies(try await group.reduce(into: []) { $0 += $1 })
        }
    }

    /// Repeats a request until it has a final answer.
    /// - Throws: ``BenchError`` with code `wrong` for a status that is not expected.
    @discardableResult
    func send(
        _ method: String, _ path: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [], expecting statuses: Set<Int>
    ) async throws -> WebResponse {
        let request = WebRequest(method: method, url: url + path, headers: headers, body: body, timeout: Self.timeout)
        for attempt in 1...Self.maximumAttempts {
            let response = try await transport.send(request)
            if statuses.contains(response.status) { return response }
            guard let passing = LoadRetry.passing(status: response.status, retryAfter: nil, internalErrors: 0) else {
                let text = String(decoding: response.body.prefix(300), as: UTF8.self)
                throw BenchError(.wrong, "\(method) \(path) was answered with \(response.status): \(text)")
            }
            retried.note()
            try await Task.sleep(for: LoadRetry.pause(after: attempt, passing, draw: Double.random(in: 0..<1)))
        }
        throw BenchError(.wrong, "\(method) \(path) had no lasting answer in \(Self.maximumAttempts) attempts.")
    }

    /// - Parameter wait: seconds to wait for the order to settle; nil answers as soon as it is accepted.
    @discardableResult
    func checkOut(_ cart: UUID, wait: Int? = nil) async throws -> WebResponse {
        var headers: [(name: String, value: String)] = [
            ("content-type", "application/json"), ("idempotency-key", "bench-\(cart.text)"),
        ]
        if let wait { headers.append(("prefer", "wait=\(wait)")) }
        return try await send("POST", "/v1/checkouts", headers: headers, body: Self.checkout(of: cart), expecting: wait == nil ? [200, 202] : [200])
    }

    /// The decoded answer to a checkout.
    static func checkout(of cart: UUID) -> [UInt8] {
        Array(
            """
            {"cartId":"\(cart.text)","email":"bench@wharf.example","shippingAddress":{"name":"Ada Lovelace","line1":"12 St James's Square",\
            "city":"London","postalCode":"SW1Y 4JH","country":"GB"},"payment":{"gateway":"stripe","paymentMethod":"pm_card_visa"}}
            """.utf8)
    }

    func putItem(_ sku: String, quantity: Int, into cart: UUID) async throws {
        try await send(
            "PUT", "/v1/carts/\(cart.text)/items/\(sku)", headers: [("content-type", "application/json")],
            body: Array(#"{"quantity":\#(quantity)}"#.utf8), expecting: [200])
    }
}

/// Gives each number once.
private final class Counter: Sendable {
    private let next = Atomic(0)

    func take() -> Int { next.add(1, ordering: .relaxed).oldValue }
}

private final class RetryCount: Sendable {
    private let count = Atomic(0)

    func note() { count.add(1, ordering: .relaxed) }
    var value: Int { count.load(ordering: .relaxed) }
}
