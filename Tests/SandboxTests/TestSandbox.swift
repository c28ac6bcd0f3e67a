import FoundationEssentials
import Logging
import ServiceLifecycle
import Synchronization
import Testing
import WebClient

@testable import Sandbox

/// A running sandbox and a client for it.
struct TestSandbox: Sendable {
    static let apiKey = "sk_test_sandbox"
    static let webhookSecret = "whsec_test"

    let port: Int
    let web: WebClient

    /// Runs a sandbox on a free port for as long as `body` runs, then shuts it down gracefully.
    static func run(
        now: @escaping @Sendable () -> Date = { Date() }, configure: (inout SandboxConfiguration) -> Void = { _ in },
        _ body: @Sendable (TestSandbox) async throws -> Void
    ) async throws {
        var configuration = SandboxConfiguration(apiKey: apiKey, webhookSecret: webhookSecret)
        configure(&configuration)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let sandbox = Sandbox(configuration: configuration, logger: logger, now: now) { port.yield($0) }
        try await Self.run(sandbox, logger: logger, onEnd: { port.finish() }) {
            guard let port = await ports.first(where: { _ in true }) else { return }
            let web = WebClient(logger: logger)
            defer { web.shutdown() }
            try await body(TestSandbox(port: port, web: web))
        }
    }

    static func run(
        _ service: any Service, logger: Logger, onEnd: @escaping @Sendable () -> Void, _ body: () async throws -> Void
    ) async throws {
        let services = ServiceGroup(configuration: .init(services: [service], logger: logger))
        try await withThrowingTaskGroup { group in
            group.addTask {
                defer { onEnd() }
                try await services.run()
            }
            do {
                try await body()
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    func get(_ path: String, key: String? = apiKey) async throws -> Reply {
        try await send("GET", path, headers: key.map { [("Authorization", "Bearer \($0)")] } ?? [])
    }

    func post(_ path: String, _ form: String = "", idempotencyKey: String? = nil) async throws -> Reply {
        var headers = [("Authorization", "Bearer \(Self.apiKey)"), ("Content-Type", "application/x-www-form-urlencoded")]
        if let idempotencyKey { headers.append(("Idempotency-Key", idempotencyKey)) }
        return try await send("POST", path, headers: headers, body: form)
    }

    func setFaults(_ json: String) async throws {
        #expect(try await operate("PUT", "/_faults", body: json).status == 200)
    }

    /// With the key, as the operator's routes require it.
    func operate(_ method: String, _ path: String, body: String = "") async throws -> Reply {
        try await send(method, path, headers: [("Authorization", "Bearer \(Self.apiKey)")], body: body)
    }

    func send(_ method: String, _ path: String, headers: [(String, String)] = [], body: String = "") async throws -> Reply {
        let response = try await web.send(
            WebRequest(
                method: method, url: "http://127.0.0.1:\(port)\(path)", headers: headers.map { (name: $0.0, value: $0.1) },
                body: Array(body.utf8)))
        return Reply(response)
    }
}

/// A form for a payment that is charged at once.
func charge(_ amount: Int = 1_000, card: String = "pm_card_visa", order: String = "order-1", more: String = "") -> String {
    "amount=\(amount)&currency=eur&payment_method=\(card)&confirm=true&metadata[order_id]=\(order)\(more)"
}

/// The response, its JSON already decoded.
struct Reply: Sendable {
    let status: Int
    let text: String
    let json: JSON
    let headers: [(name: String, value: String)]

    init(_ response: WebResponse) {
        status = response.status
        headers = response.headers
        text = String(decoding: response.body, as: UTF8.self)
        json = (try? JSONDecoder().decode(JSON.self, from: Data(response.body))) ?? .null
    }

    var error: JSON { json["error"] }

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
