import JSON
import Synchronization
import Testing
import WebClient

@testable import Autoscaling

@Suite struct `Swarm services` {
    /// A Docker Engine with one service.
    private final class Engine: HTTPTransport {
        let requests = Mutex<[WebRequest]>([])
        let status: Int
        let spec: String

        init(status: Int = 200, spec: String) {
            self.status = status
            self.spec = spec
        }

        func send(_ request: WebRequest) async throws -> WebResponse {
            requests.withLock { $0.append(request) }
            return WebResponse(status: status, headers: [], body: Array(#"{"ID": "x1", "Version": {"Index": 17}, "Spec": \#(spec)}"#.utf8))
        }
    }

    private static let spec = #"{"Name": "shop_orders", "Mode": {"Replicated": {"Replicas": 2}}, "UpdateConfig": {"Delay": 5000000000, "MaxFailureRatio": 0.5, "On": true}}"#

    @Test func `a service is updated at the version that was read, and only its replicas change`() async throws {
        let engine = Engine(spec: Self.spec)
        let swarm = SwarmServices(stack: "shop", socket: "/run/docker.sock", transport: engine)
        #expect(try await swarm.count(of: "orders") == 2)
        try await swarm.scale("orders", to: 5)
        let requests = engine.requests.withLock { $0 }
        #expect(requests.map(\.method) == ["GET", "GET", "POST"])
        #expect(requests.allSatisfy { $0.unixSocket == "/run/docker.sock" })
        let update = try #require(requests.last)
        #expect(update.url == "http://docker/services/x1/update?version=17&registryAuthFrom=spec")
        let sent: JSONValue = try JSON.decode(from: update.body)
        #expect(sent == (try JSON.decode(from: Array(Self.spec.replacing(": 2}", with: ": 5}").utf8))))
    }

    @Test func `a service that is not replicated is not changed, and a rejection is an error with its reason`() async throws {
        let global = Engine(spec: #"{"Mode": {"Global": {}}}"#)
        await #expect(throws: SwarmServices.Failure.self) { try await SwarmServices(stack: "s", socket: "/s", transport: global).scale("orders", to: 3) }
        #expect(global.requests.withLock { $0.count } == 1)
        let refusing = Engine(status: 503, spec: "0")
        let error = await #expect(throws: SwarmServices.Failure.self) { _ = try await SwarmServices(stack: "s", socket: "/s", transport: refusing).count(of: "orders") }
        #expect(error?.description.contains("Docker answered 503 to GET /services/s_orders") == true)
    }
}
