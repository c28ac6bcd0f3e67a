import JSON
import WebClient

/// The requests of a Consul agent's HTTP API that a registration needs.
struct ConsulAgent: Sendable {
    /// The timeout of one request. A role that stops waits for at most four requests, which leaves enough of its shutdown deadline.
    static let timeout: Duration = .seconds(2)
    private static let maximumResponseBytes = 65_536

    private let base: String
    private let token: @Sendable () -> String?
    private let transport: any HTTPTransport

    /// - Parameters:
    ///   - address: `host:port`, which means HTTP, or a URL.
    ///   - token: read again for each request.
    init(address: String, token: @autoclosure @escaping @Sendable () -> String?, transport: any HTTPTransport) {
        base = (address.contains("://") ? address : "http://\(address)").withoutTrailingSlash
        self.token = token
        self.transport = transport
    }

    /// The address from which this process reaches the agent; nil if the agent is on the same machine.
    func addressTowardsAgent() async throws -> String? {
        // This request needs no permission.
        let response = try await send("GET", "/v1/status/leader")
        guard let address = response.localAddress, !Host.isLoopback(address) else { return nil }
        return address
    }

    /// Registers a service, or replaces the one with the same id.
    func register(_ service: ConsulService) async throws {
        try await put("/v1/agent/service/register?replace-existing-checks=true", try JSON.encode(service))
    }

    /// - Throws: ``ConsulRefusal``, in particular if the agent does not know the check.
    func update(_ check: String, _ state: ConsulService.State) async throws {
        try await put("/v1/agent/check/update/\(check)", try JSON.encode(state))
    }

    func deregister(_ id: String) async throws {
        try await put("/v1/agent/service/deregister/\(id)")
    }

    private func put(_ path: String, _ body: [UInt8] = []) async throws {
        _ = try await send("PUT", path, body)
    }

    private func send(_ method: String, _ path: String, _ body: [UInt8] = []) async throws -> WebResponse {
        var headers = [(name: "Content-Type", value: "application/json")]
        if let token = token() { headers.append((name: "X-Consul-Token", value: token)) }
        let response = try await transport.send(
            WebRequest(method: method, url: base + path, headers: headers, body: body, timeout: Self.timeout, maximumResponseBytes: Self.maximumResponseBytes))
        guard response.isSuccess else { throw ConsulRefusal(status: response.status, text: String(decoding: response.body.prefix(200), as: UTF8.self)) }
        return response
    }
}

/// A response of the agent that is not a success.
struct ConsulRefusal: Error, CustomStringConvertible {
    let status: Int
    let text: String

    var description: String { "Consul answered \(status): \(text)" }
}

/// A service as Consul's API represents it.
struct ConsulService: Encodable, Sendable {
    /// The state that a check with a time to live reports.
    struct State: Encodable, Sendable, Equatable {
        /// `passing` or `critical`.
        let status: String
        let output: String

        enum CodingKeys: String, CodingKey {
            case status = "Status"
            case output = "Output"
        }
    }

    struct Check: Encodable, Sendable {
        let id: String
        let name: String
        let status: String
        let timeToLive: String
        let forgottenAfter: String

        enum CodingKeys: String, CodingKey {
            case id = "CheckID"
            case name = "Name"
            case status = "Status"
            case timeToLive = "TTL"
            case forgottenAfter = "DeregisterCriticalServiceAfter"
        }
    }

    let id: String
    let name: String
    let tags: [String]
    /// If nil, Consul uses the address of the agent.
    let address: String?
    let port: Int
    let check: Check

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case name = "Name"
        case tags = "Tags"
        case address = "Address"
        case port = "Port"
        case check = "Check"
    }
}
