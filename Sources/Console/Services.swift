import Contracts
import FoundationEssentials
import Ingress
import Messaging
import Operator
import Runtime
import Secrets
import Traces

/// Sends an administrator's requests to the services, as the HTTP API does.
struct Services: OperatorRequests {
    /// The time that a page waits for a service.
    static let timeout: Duration = .seconds(10)
    /// The namespace of the messages' ids.
    private static let namespace = UUID(uuid: (0x8E, 0x40, 0x1C, 0x52, 0x91, 0x6B, 0x4A, 0x0F, 0xB3, 0x77, 0x2D, 0x5C, 0x18, 0xE9, 0x64, 0xA7))

    let requests: any Requesting
    let caller: Caller
    let randomness: any Randomness
    let trace: TraceContext
    /// The id that a form carries; nil for a page without a form.
    var formID: String?

    func send(_ operation: String, _ durability: Durability, _ parameters: [String: String], _ body: [UInt8]) async throws -> Reply {
        let request = Request(id: id(operation, durability, parameters, body), operation: operation, parameters: parameters, caller: caller, body: body, traceparent: trace.header)
        return try await requests.send(request, durability: durability, timeout: Self.timeout)
    }

    /// An id that stays the same when a form is sent again with the same content, so that the inbox recognises the duplicate. A corrected form gets a new id.
    private func id(_ operation: String, _ durability: Durability, _ parameters: [String: String], _ body: [UInt8]) -> UUID {
        guard durability != .query, let formID else { return randomness.uuid() }
        return .v5(namespace: Self.namespace, name: "\(caller.id.upperCaseText)|\(operation)|\(parameters["id"] ?? "")|\(formID)|\(SHA256.hex(body))")
    }
}

extension OperatorRequests {
    func ask<Value: Decodable>(_ operation: ConsoleOperation, _ parameters: [String: String] = [:]) async throws -> Value {
        try await get(Value.self, operation.rawValue, parameters)
    }

    @discardableResult
    func act(_ operation: ConsoleOperation, _ parameters: [String: String] = [:], _ body: [UInt8] = []) async throws -> Reply {
        try await accepted(operation.rawValue, operation.durability, parameters, body)
    }
}

extension Result where Failure == any Error, Success: Sendable {
    /// Returns the result of `body`, so that a page can be shown without one of its parts.
    static func of(_ body: @Sendable () async throws -> Success) async -> Self {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
