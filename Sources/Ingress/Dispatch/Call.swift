import Contracts
import FoundationEssentials
import JSON
import Messaging
import Runtime
import Secrets
import Traces

/// An accepted request: everything needed to make a message of it.
struct Call: Sendable {
    let endpoint: Endpoint
    var parameters: [String: String]
    let session: SessionResolver.Session?
    var body: [UInt8]
    let idempotencyKey: String?
    /// Seconds that the client will wait for the work to be done.
    let wait: Int?
    /// When the request arrived.
    let received: Date
    let trace: TraceContext
    /// The `X-Request-Id` of the response.
    let requestID: String
    /// Of the message, where it is known already.
    var id: UUID?

    /// Ids of messages are names in this namespace; it must never change, or retries across a change are handled twice.
    static let namespace = UUID(
        uuid: (0x5B, 0x1F, 0x4C, 0x9E, 0x7A, 0x02, 0x4D, 0x63, 0x9E, 0x14, 0xC8, 0x0D, 0x2B, 0x6A, 0xF7, 0x31))

    /// The same for a retry, so that the inbox recognises it: derived from the client's key, or for a signed message from the message itself. A request without
    /// either gets an id that begins with the time, so that the inbox's index grows at its end.
    func messageID(_ randomness: any Randomness) -> UUID {
        if let id { return id }
        if endpoint.signature != nil { return .v5(namespace: Self.namespace, name: body) }
        guard let name = nameOfKey else { return .v7(at: received, random: randomness.uuid()) }
        return .v5(namespace: Self.namespace, name: name)
    }

    /// The key with its scope: caller and operation, and for guests, who cannot be distinguished, what their request names. Nil for a key that
    /// any client could send: its reply might belong to another guest, and contain that guest's cart.
    private var nameOfKey: String? {
        guard let idempotencyKey else { return nil }
        if let caller = session?.caller { return "\(caller.id.upperCaseText)|\(endpoint.operationID)|\(idempotencyKey)" }
        guard let scope = endpoint.guestKey?.value(parameters, body) else { return nil }
        // Includes the length of the guest's own text, so that no two combinations give one name.
        return "guest|\(endpoint.operationID)|\(scope.utf8.count)|\(scope)|\(idempotencyKey)"
    }

    /// The name of a field that only the sender of an event knows.
    private struct FieldName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Whether it is a signed event of a type that no service needs. What has no type is for its service to refuse. Reads no more of the event than that: a
    /// gateway sends several for each payment.
    var isUnwantedEvent: Bool {
        guard let types = endpoint.eventTypes, let field = endpoint.signature.flatMap(WebhookSchemes.named)?.typeField,
            let type = try? JSON.fields(of: body, named: FieldName.self).decode(String.self, forKey: FieldName(stringValue: field))
        else { return false }
        return !types.contains(type)
    }

    /// Whether any guest would get the same answer.
    var isForEveryGuest: Bool { endpoint.isCacheable && session == nil && body.isEmpty }

    /// Whether the same request, sent again, does no harm.
    var isRetryable: Bool {
        endpoint.kind == .query || endpoint.signature != nil || nameOfKey != nil
    }

    /// The request for the part of the answer that follows `place`.
    func request(after place: String, _ randomness: any Randomness) -> Request {
        var call = self
        call.parameters["after"] = place
        return call.request(randomness)
    }

    func request(_ randomness: any Randomness) -> Request {
        var request = Request(
            id: messageID(randomness), operation: endpoint.operationID, parameters: parameters, caller: session?.caller,
            body: body, traceparent: trace.header, requestID: requestID)
        request.settlesUntil = wait.map { received.addingTimeInterval(Double($0)) }
        return request
    }
}
