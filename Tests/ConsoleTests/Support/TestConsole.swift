import Contracts
import FoundationEssentials
import Ingress
import Logging
import Runtime
import WebClient

@testable import Console

/// A console on a free port, and a client that behaves as a browser.
struct TestConsole: Sendable {
    let services: FakeServices
    let port: Int
    let web: WebClient

    private struct SystemTime: WallClock {
        func now() -> Date { Date() }
        func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
    }

    private struct SystemChance: Randomness {
        func uuid() -> UUID { UUID() }
        func fraction() -> Double { Double.random(in: 0..<1) }
    }

    static let quiet = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

    /// - Parameter queues: The management API's answer; nil if it is not configured.
    static func with<T: Sendable>(trustedProxies: [Network] = [], queues: String? = nil, _ body: @Sendable (TestConsole) async throws -> T) async throws -> T {
        let services = FakeServices()
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let server = ConsoleServer(
            host: "127.0.0.1", port: 0, trustedProxies: trustedProxies, requests: services, broker: queues.map { text in BrokerView { _ in Array(text.utf8) } },
            serviceNames: ["orders", "payments"], clock: SystemTime(), randomness: SystemChance(), logger: quiet
        ) { ready.yield($0) }
        let web = WebClient(logger: quiet)
        defer { web.shutdown() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { ready.finish() }
                try await server.run()
            }
            defer { group.cancelAll() }
            for await port in ports { return try await body(TestConsole(services: services, port: port, web: web)) }
            try await group.waitForAll()
            throw CancellationError()
        }
    }

    var origin: String { "http://127.0.0.1:\(port)" }

    func get(_ path: String, cookie: String? = nil, _ headers: [(name: String, value: String)] = []) async throws -> WebResponse {
        try await web.send(WebRequest(url: origin + path, headers: headers + (cookie.map { [("cookie", $0)] } ?? [])))
    }

    /// Sends a form as a browser does from one of the console's pages.
    func post(_ path: String, cookie: String? = nil, _ fields: [(String, String)], from source: String? = nil, _ headers: [(name: String, value: String)] = []) async throws -> WebResponse {
        let own = [("content-type", "application/x-www-form-urlencoded"), ("origin", source ?? origin)] + (cookie.map { [("cookie", $0)] } ?? [])
        return try await web.send(WebRequest(method: "POST", url: origin + path, headers: headers + own, body: PercentEncoding.form(fields)))
    }

    /// The cookie of a session of an administrator, and the token of its forms.
    func signedIn(as caller: Caller = FakeServices.admin, token: String = "a-token-of-a-session") -> (cookie: String, form: String) {
        let token = services.session(of: caller, token: token)
        return ("wharf-console=\(token)", FormToken(of: token).text)
    }
}

extension WebResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
    func all(_ name: String) -> [String] { headers.filter { $0.name.lowercased() == name }.map(\.value) }
}
