import Contracts
import FoundationEssentials
import JSON
import Messaging
import Terminal
import WebClient

/// A shop as its customers reach it: over HTTP, retrying for as long as the answer is "not now".
package struct Shop: Sendable {
    private static let timeout = Duration.seconds(15)

    package let transport: any HTTPTransport
    /// Without a slash at the end.
    package let url: String
    /// The API key for calls without one of their own: the key of a sandbox.
    package var token: String?
    /// No attempt begins or continues after it.
    package let deadline: ContinuousClock.Instant
    /// Called before each new attempt with the reason why the last one did not count.
    package let onRetry: @Sendable (String) -> Void

    package init(
        transport: any HTTPTransport, url: String, token: String? = nil, deadline: ContinuousClock.Instant,
        onRetry: @escaping @Sendable (String) -> Void
    ) {
        self.transport = transport
        self.url = url
        self.token = token
        self.deadline = deadline
        self.onRetry = onRetry
    }

    /// One request. All its attempts carry one idempotency key, so that the work is not done twice.
    package struct Call: Sendable {
        package let method: String
        package let path: String
        package var token: String?
        package var body: [UInt8]?

        package init(method: String, path: String, token: String? = nil, body: [UInt8]? = nil) {
            self.method = method
            self.path = path
            self.token = token
            self.body = body
        }
        package let key = UUID()

        package static func get(_ path: String, token: String? = nil) -> Call {
            Call(method: "GET", path: path, token: token)
        }

        package static func send(_ method: String, _ path: String, token: String? = nil, _ body: some Encodable) throws -> Call {
            Call(method: method, path: path, token: token, body: try JSON.encode(body))
        }
    }

    /// Returns the first final answer, a refusal included.
    /// - Throws: ``LoadError`` with code `deadline`, or `unavailable` when a retry cannot succeed; `CancellationError`.
    package func answer(to call: Call) async throws -> WebResponse {
        var attempts = 0
        var internalErrors = 0
        var last = "none"
        while true {
            guard .now < deadline else { throw late(call, last) }
            attempts += 1
            let passing: LoadRetry.Passing
            do {
                let response = try await attempt(call)
                let retryAfter = response.first("retry-after")
                guard let reason = LoadRetry.passing(status: response.status, retryAfter: retryAfter, internalErrors: internalErrors)
                else { return response }
                if response.status == 500 { internalErrors += 1 }
                passing = reason
            } catch let error as WebClientError {
                if error.code == .cancelled { throw CancellationError() }
                guard let reason = LoadRetry.passing(error) else { throw LoadError(.unavailable, "\(url): \(error.message).") }
                passing = reason
            }
            let pause = LoadRetry.pause(after: attempts, passing, draw: Double.random(in: 0..<1))
            last = passing.reason
            guard .now + pause < deadline else { throw late(call, last) }
            onRetry(passing.reason)
            try await Task.sleep(for: pause)
        }
    }

    private func late(_ call: Call, _ last: String) -> LoadError {
        LoadError(.deadline, "\(call.method) \(call.path) had no lasting answer in time; the last one: \(last).")
    }

    /// Returns the decoded answer, when its status is one of these.
    /// - Throws: ``Refusal`` for another status, and the errors of ``answer(to:)``.
    package func reply<Reply: Decodable>(
        to call: Call, _ type: Reply.Type = Reply.self, expecting statuses: Set<Int> = [200]
    ) async throws -> Reply {
        let response = try await answer(to: call)
        guard statuses.contains(response.status) else { throw Refusal(response) }
        do {
            return try JSON.decode(type, from: response.body)
        } catch {
            throw LoadError(.unavailable, "\(url): the answer to \(call.method) \(call.path) cannot be understood: \(error)")
        }
    }

    private func attempt(_ call: Call) async throws -> WebResponse {
        try Task.checkCancellation()
        var headers: [(name: String, value: String)] = []
        if call.method != "GET" { headers.append(("idempotency-key", call.key.uuidString)) }
        if let token = call.token ?? token { headers.append(("authorization", "Bearer \(token)")) }
        if call.body != nil { headers.append(("content-type", "application/json")) }
        let left = max(.milliseconds(1), deadline - .now)
        return try await transport.send(
            WebRequest(
                method: call.method, url: url + call.path, headers: headers, body: call.body ?? [], timeout: min(Self.timeout, left)))
    }
}
