import JSON
import ServiceLifecycle
import Synchronization
import TestKit
import Testing
import WebClient

@testable import Operations

/// A Consul agent that is less friendly than a real one: it can be away, apply a request whose answer is then lost, and forget everything.
private final class FakeAgent: HTTPTransport {
    enum Mood { case working, away, mute, refusing }

    struct State {
        var mood = Mood.working
        var services: [String: JSONValue] = [:]
        /// The states, by the id of the check.
        var checks: [String: JSONValue] = [:]
        var requests: [WebRequest] = []
        /// The address from which the role calls the agent.
        var callerAddress: String? = "127.0.0.1"
    }

    let state = Mutex(State())

    func send(_ request: WebRequest) async throws -> WebResponse {
        try state.withLock { state in
            state.requests.append(request)
            switch state.mood {
            case .away: throw WebClientError(code: .couldNotConnect, message: "connection refused")
            case .refusing: return WebResponse(status: 403, body: Array("Permission denied".utf8))
            case .mute:
                _ = try answer(request, &state)
                throw WebClientError(code: .timedOut, message: "no answer", requestMayHaveBeenSent: true)
            case .working: return try answer(request, &state)
            }
        }
    }

    private func answer(_ request: WebRequest, _ state: inout State) throws -> WebResponse {
        let path = request.url.dropFirst("http://consul:8500/v1/agent/".count).prefix { $0 != "?" }
        if request.method == "GET", request.url.hasSuffix("/v1/status/leader") {
            return WebResponse(status: 200, body: Array("\"10.0.0.1:8300\"".utf8), localAddress: state.callerAddress)
        }
        guard request.method == "PUT", request.url.hasPrefix("http://consul:8500/v1/agent/") else { return WebResponse(status: 405) }
        guard request.headers.contains(where: { $0.name == "X-Consul-Token" && $0.value == "secret" }) else { return WebResponse(status: 403) }
        if path == "service/register" {
            guard case .object(let service) = try JSON.decode(JSONValue.self, from: request.body), case .string(let id)? = service["ID"],
                case .object(let check)? = service["Check"], case .string(let checkID)? = check["CheckID"], case .string("30s")? = check["TTL"]
            else { return WebResponse(status: 400) }
            state.services[id] = .object(service)
            state.checks[checkID] = .object(check)
            return WebResponse(status: 200)
        }
        let id = String(path.split(separator: "/").last ?? "")
        if path.hasPrefix("check/update/") {
            guard state.checks[id] != nil else { return WebResponse(status: 404, body: Array("Unknown check ID \"\(id)\"".utf8)) }
            state.checks[id] = try JSON.decode(JSONValue.self, from: request.body)
            return WebResponse(status: 200)
        }
        guard path.hasPrefix("service/deregister/"), state.services.removeValue(forKey: id) != nil else { return WebResponse(status: 404) }
        state.checks["service:\(id)"] = nil
        return WebResponse(status: 200)
    }

    func become(_ mood: Mood, forgetting: Bool = false) {
        state.withLock { state in
            state.mood = mood
            guard forgetting else { return }
            state.services = [:]
            state.checks = [:]
        }
    }

    var services: [String: JSONValue] { state.withLock { $0.services } }
    var requestCount: Int { state.withLock { $0.requests.count } }

    func status(_ id: String) -> JSONValue? {
        state.withLock { state in
            guard case .object(let check)? = state.checks["service:\(id)"] else { return nil }
            return check["Status"]
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Registering with Consul` {
    private let agent = FakeAgent()
    private let isReady = SharedReadiness()
    private static let id = "wharf-orders-17-shop-example"

    private final class Looks: Sendable {
        let count = Mutex(0)
    }

    private final class SharedReadiness: Sendable {
        let report = Mutex(ReadinessReport(isReady: true, text: "ready\n"))
    }

    private func registration(
        serving: @escaping @Sendable () -> ListenAddress? = { ListenAddress(host: "10.0.0.7", port: 9090) }
    ) -> ConsulRegistration {
        ConsulRegistration(
            agent: ConsulAgent(address: "consul:8500", token: "secret", transport: agent),
            identity: .init(role: "orders", process: "orders-17", version: "1.2.3", host: "shop.example"), serving: serving,
            readiness: { [isReady] in isReady.report.withLock { $0 } }, clock: StoppedClock(), logger: quiet, interval: .milliseconds(5), firstPause: .milliseconds(2))
    }

    /// Runs it as a role does: until a graceful shutdown.
    private func running(_ registration: ConsulRegistration, _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(configuration: .init(services: [.init(service: registration)], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body()
            await group.triggerGracefulShutdown()
            try await tasks.next()
        }
    }

    @Test func `a role is registered with its address, its tags and a check, and deregistered when it stops`() async throws {
        try await running(registration()) {
            try await eventually { agent.status(Self.id) == "passing" }
            guard case .object(let service)? = agent.services[Self.id] else { return }
            #expect(service["Name"] == "wharf-orders" && service["Address"] == "10.0.0.7" && service["Port"] == 9090)
            #expect(service["Tags"] == .array(["orders", "version-1.2.3"]))
        }
        #expect(agent.services.isEmpty)
    }

    @Test(arguments: [("127.0.0.1", nil), ("::1", nil), (nil, nil), ("10.0.0.9", JSONValue.string("10.0.0.9"))])
    func `a role that listens on all addresses registers the one from which it calls, or its agent's on the same machine`(caller: String?, address: JSONValue?) async throws {
        agent.state.withLock { $0.callerAddress = caller }
        try await running(registration { ListenAddress(host: "0.0.0.0", port: 8080) }) {
            try await eventually { agent.services[Self.id] != nil }
            guard case .object(let service)? = agent.services[Self.id] else { return }
            #expect(service["Address"] == address && service["Port"] == 8080)
        }
    }

    @Test func `the check follows the role's readiness`() async throws {
        try await running(registration()) {
            try await eventually { agent.status(Self.id) == "passing" }
            isReady.report.withLock { $0 = ReadinessReport(isReady: false, text: "database: not reachable\n") }
            try await eventually { agent.status(Self.id) == "critical" }
            isReady.report.withLock { $0 = ReadinessReport(isReady: true, text: "ready\n") }
            try await eventually { agent.status(Self.id) == "passing" }
        }
    }

    @Test(arguments: [FakeAgent.Mood.away, .refusing, .mute]) fileprivate func `an agent that is away, refuses, or never answers is retried until it works`(mood: FakeAgent.Mood) async throws {
        agent.become(mood)
        try await running(registration()) {
            try await eventually { agent.requestCount > 3 }
            agent.become(.working)
            try await eventually { agent.status(Self.id) == "passing" }
        }
        #expect(agent.services.isEmpty)
    }

    @Test func `a role registers again with an agent that has lost its data`() async throws {
        try await running(registration()) {
            try await eventually { agent.services[Self.id] != nil }
            agent.become(.working, forgetting: true)
            try await eventually { agent.services[Self.id] != nil }
        }
    }

    @Test func `a role stops without its agent`() async throws {
        try await running(registration()) {
            try await eventually { agent.services[Self.id] != nil }
            agent.become(.away)
        }
        #expect(agent.services[Self.id] != nil)
    }

    @Test func `nothing is registered before the role serves`() async throws {
        let looks = Looks()
        let registration = registration {
            looks.count.withLock { $0 += 1 }
            return nil
        }
        try await running(registration) { try await eventually { looks.count.withLock { $0 > 3 } } }
        #expect(agent.requestCount == 0)
    }
}
