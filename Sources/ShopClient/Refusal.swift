import JSON
import Messaging
import WebClient

/// A lasting no.
package struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    package let status: Int
    /// The last part of the problem's type: `cart-ordered`.
    package let kind: String
    package let detail: String

    package init(status: Int, kind: String, detail: String) {
        self.status = status
        self.kind = kind
        self.detail = detail
    }

    package init(_ response: WebResponse) {
        struct Told: Decodable { let type, detail: String? }
        let told: Told? = try? JSON.decode(from: response.body)
        self.init(
            status: response.status, kind: told?.type?.split(separator: "/").last.map(String.init) ?? "unknown",
            detail: told?.detail ?? "")
    }

    package var description: String { "\(status) \(kind)" + (detail.isEmpty ? "" : ": \(detail)") }
}
