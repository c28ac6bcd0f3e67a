/// RabbitMQ's management HTTP API, as far as the topology needs it. Who makes it brings the HTTP client, the address and the credentials of
/// a user with the tag `administrator`.
public struct BrokerManagement: Sendable {
    /// Sends one request with a JSON body, or with none when it is empty. `path` begins with `/api/`. Every status is an answer;
    /// throws only when there is none.
    public typealias Send = @Sendable (_ method: String, _ path: String, _ body: [UInt8]) async throws -> (status: Int, body: [UInt8])

    private static let path = "/api/definitions"
    /// How much of a refusal an error quotes, in bytes.
    private static let quotedBytes = 500

    private let send: Send

    public init(send: @escaping Send) {
        self.send = send
    }

    /// All that the broker holds, of all its virtual hosts.
    func definitions() async throws -> Definitions {
        let body = try await exchange("GET", [])
        do {
            return try Definitions(json: body)
        } catch {
            throw TopologyError(.broker, "The broker's definitions cannot be understood: \(error.message)")
        }
    }

    /// Creates what is missing and updates users, permissions and policies. Queues and exchanges that exist stay as they are,
    /// different or not, and the broker does not say so.
    func importDefinitions(_ definitions: Definitions) async throws {
        _ = try await exchange("POST", try JSON.encode(definitions))
    }

    private func exchange(_ method: String, _ body: [UInt8]) async throws -> [UInt8] {
        let answer = try await send(method, Self.path, body)
        guard (200..<300).contains(answer.status) else {
            let reason = String(decoding: answer.body.prefix(Self.quotedBytes), as: UTF8.self)
            let hint = answer.status == 401 ? " It takes a user with the tag administrator." : ""
            throw TopologyError(.broker, "RabbitMQ answered \(answer.status) to \(method) \(Self.path): \(reason)\(hint)")
        }
        return answer.body
    }
}
