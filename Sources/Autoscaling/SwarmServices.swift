import JSON
import WebClient

/// Workers that are the replicas of Docker Swarm services, through the Engine API on a manager's socket: `<stack>_<pool>`, as `docker stack deploy` names them.
package struct SwarmServices: WorkerPools {
    /// The reason why a service could not be read or changed.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private static let timeout = Duration.seconds(10)
    private static let quotedBytes = 300

    private let stack: String
    private let socket: String
    private let transport: any HTTPTransport

    /// - Parameter socket: The path of the Engine's socket, usually `/var/run/docker.sock`.
    package init(stack: String, socket: String, transport: any HTTPTransport) {
        self.stack = stack
        self.socket = socket
        self.transport = transport
    }

    /// Swarm runs the replicas.
    package func run() async {}

    package func count(of pool: String) async throws -> Int? {
        try Self.replicas(of: try await service(pool), pool)
    }

    /// The update names the version that was read, so a concurrent update makes this one fail.
    package func scale(_ pool: String, to count: Int) async throws {
        let service = try await service(pool)
        let changed = try Self.spec(of: service, pool, replicas: count)
        let path = "/services/\(service.ID)/update?version=\(service.Version.Index)&registryAuthFrom=spec"
        _ = try await exchange("POST", path, try JSON.encode(changed))
    }

    struct Service: Decodable {
        struct Version: Decodable { let Index: Int }

        let ID: String
        let Version: Version
        let Spec: JSONValue
    }

    private func service(_ pool: String) async throws -> Service {
        try JSON.decode(from: try await exchange("GET", "/services/\(stack)_\(pool)"))
    }

    static func replicas(of service: Service, _ pool: String) throws(Failure) -> Int {
        guard case .object(let spec) = service.Spec, case .object(let mode)? = spec["Mode"], case .object(let replicated)? = mode["Replicated"],
            case .integer(let replicas)? = replicated["Replicas"]
        else { throw Failure(description: "the service of \(pool) is not replicated") }
        return replicas
    }

    static func spec(of service: Service, _ pool: String, replicas: Int) throws(Failure) -> JSONValue {
        _ = try Self.replicas(of: service, pool)
        guard case .object(var spec) = service.Spec else { return service.Spec }
        spec["Mode"] = .object(["Replicated": .object(["Replicas": .integer(replicas)])])
        return .object(spec)
    }

    private func exchange(_ method: String, _ path: String, _ body: [UInt8] = []) async throws -> [UInt8] {
        var request = WebRequest(method: method, url: "http://docker\(path)", body: body, timeout: Self.timeout)
        request.unixSocket = socket
        if !body.isEmpty { request.headers = [("Content-Type", "application/json")] }
        let response = try await transport.send(request)
        guard response.isSuccess else {
            let reason = String(decoding: response.body.prefix(Self.quotedBytes), as: UTF8.self)
            throw Failure(description: "Docker answered \(response.status) to \(method) \(path): \(reason)")
        }
        return response.body
    }
}
