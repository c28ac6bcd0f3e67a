import JSON

/// RabbitMQ's management HTTP API, as far as the topology needs it. The creator supplies the HTTP client, the address and the credentials of
/// a user with the tag `administrator`.
public struct BrokerManagement: Sendable {
    /// Sends one request with a JSON body, or without a body when it is empty. `path` begins with `/api/`. Any status counts as an answer;
    /// throws only when there is no answer.
    public typealias Send = @Sendable (_ method: String, _ path: String, _ body: [UInt8]) async throws -> (status: Int, body: [UInt8])

    private static let path = "/api/definitions"
    /// How much of an error response an error quotes, in bytes.
    private static let quotedBytes = 500

    private let send: Send

    public init(send: @escaping Send) {
        self.send = send
    }

    /// Everything the broker has, across all its virtual hosts.
    func definitions() async throws -> Definitions {
        let body = try await exchange("GET", Self.path)
        do {
            return try Definitions(json: body)
        } catch {
            throw TopologyError(.broker, "The broker's definitions cannot be understood: \(error.message)")
        }
    }

    /// Creates missing objects and updates users, permissions and policies. Existing queues and exchanges stay as they are,
    /// different or not, and the broker does not say so.
    func importDefinitions(_ definitions: Definitions) async throws {
        _ = try await exchange("POST", Self.path, try JSON.encode(definitions))
    }

    /// Deletes a queue unless messages are ready in it; those that a consumer holds are still handled.
    /// - Returns: whether the queue is gone.
    func deleteIfEmpty(_ queue: Definitions.Queue) async throws -> Bool {
        let path = "/api/queues/\(Self.encoded(queue.virtualHost))/\(Self.encoded(queue.name))?if-empty=true"
        let answer = try await send("DELETE", path, [])
        // The HTTP form of "precondition failed".
        if answer.status == 400 { return false }
        if answer.status != 404 { _ = try accepted(answer, "DELETE", path) }
        return true
    }

    /// The current queues of all virtual hosts.
    func queueStates() async throws -> [QueueState] {
        try JSON.decode(from: try await exchange("GET", "/api/queues?columns=\(QueueState.columns)"))
    }

    /// The nodes of the cluster, including those that are down.
    func nodes() async throws -> [Node] {
        try JSON.decode(from: try await exchange("GET", "/api/nodes?columns=name,running"))
    }

    struct Node: Decodable {
        let name: String
        let running: Bool
    }

    private func exchange(_ method: String, _ path: String, _ body: [UInt8] = []) async throws -> [UInt8] {
        try accepted(try await send(method, path, body), method, path)
    }

    private func accepted(_ answer: (status: Int, body: [UInt8]), _ method: String, _ path: String) throws(TopologyError) -> [UInt8] {
        guard (200..<300).contains(answer.status) else {
            let reason = String(decoding: answer.body.prefix(Self.quotedBytes), as: UTF8.self)
            let hint = answer.status == 401 ? " A user with the tag administrator is required." : ""
            throw TopologyError(.broker, "RabbitMQ answered \(answer.status) to \(method) \(path): \(reason)\(hint)")
        }
        return answer.body
    }

    /// For a path: percent-encodes all but unreserved characters.
    private static func encoded(_ name: String) -> String {
        name.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                String(Unicode.Scalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
