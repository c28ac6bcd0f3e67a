import Contracts
import JSON
import Messaging

/// Sends an operator's requests to the services.
package protocol OperatorRequests: Sendable {
    /// - Throws: `RequestClient.Unanswered`
    func send(_ operation: String, _ durability: Durability, _ parameters: [String: String], _ body: [UInt8]) async throws -> Reply
}

extension OperatorRequests {
    /// - Throws: ``Refusal`` for a request that was not accepted.
    @discardableResult
    package func accepted(_ operation: String, _ durability: Durability = .query, _ parameters: [String: String] = [:], _ body: [UInt8] = []) async throws -> Reply {
        let reply = try await send(operation, durability, parameters, body)
        guard reply.status < 300 else { throw Refusal(reply) }
        return reply
    }

    package func get<Value: Decodable>(_ type: Value.Type, _ operation: String, _ parameters: [String: String] = [:]) async throws -> Value {
        try JSON.decode(type, from: try await accepted(operation, .query, parameters).body)
    }

    package func get<Value: Decodable>(_ operation: String, _ parameters: [String: String] = [:]) async throws -> Value {
        try await get(Value.self, operation, parameters)
    }
}

/// Why a request was not accepted, in the service's words.
package struct Refusal: Error, Equatable, CustomStringConvertible {
    package let description: String
    /// The last part of the problem's type.
    package let kind: String
    package let status: Int

    package init(_ reply: Reply) {
        status = reply.status
        guard let problem = try? JSON.decode(Problem.self, from: reply.body) else {
            (description, kind) = ("the service answered with status \(reply.status)", "")
            return
        }
        let fields = problem.errors?.map { "\($0.field) \($0.detail)" }.joined(separator: "; ")
        description = fields ?? problem.detail
        kind = problem.type.split(separator: "/").last.map(String.init) ?? ""
    }
}

/// A page of a list.
package struct Listed<Item: Decodable & Sendable>: Decodable, Sendable {
    package let items: [Item]
    package let nextCursor: String?
}
