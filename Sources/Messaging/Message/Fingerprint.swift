import JSON
import Secrets

/// What distinguishes a request from another one under the same idempotency key: the inbox keeps it in the row.
enum Fingerprint {
    /// 128 bits: an accidental match is out of the question, and inbox rows stay narrow.
    static let bytes = 16

    /// The part of the body that counts.
    enum Scope: Sendable, Equatable {
        case body
        /// Only these members of the body's object. The rest cannot be recovered from the row by its readers: the row's key is not secret where the
        /// client has sent no idempotency key, or a simple one, and a fast hash of a password is as good as the password.
        case members([String])
    }
}

extension Request {
    /// Two requests under one idempotency key are the same request when this is equal, regardless of requester, deadline and origin.
    func fingerprint(of scope: Fingerprint.Scope) -> [UInt8] {
        var bytes: [UInt8] = Array(operation.utf8)
        let ofTransport = [Self.idempotencyKey, Self.clientAddress, Self.clientAgent]
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) where !ofTransport.contains(name) {
            bytes.append(0)
            bytes += name.utf8
            bytes.append(1)
            bytes += value.utf8
        }
        bytes.append(2)
        switch scope {
        case .body: bytes += body
        case .members(let names):
            let object = (try? JSON.decode([String: JSONValue].self, from: body)) ?? [:]
            for name in names.sorted() {
                // Encoded, it contains no separator.
                guard let value = object[name], let text = try? JSON.encode(value) else { continue }
                bytes.append(0)
                bytes += name.utf8
                bytes.append(1)
                bytes += text
            }
        }
        let key = parameters[Self.idempotencyKey].map { Array($0.utf8) } ?? Array(id.upperCaseText.utf8)
        return Array(HMACSHA256.authenticate(bytes, key: key).prefix(Fingerprint.bytes))
    }
}
