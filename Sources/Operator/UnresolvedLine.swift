import Contracts
import FoundationEssentials

/// A payment that needs a decision, as payments reports it.
package struct UnresolvedLine: Decodable, Sendable {
    package let kind: String
    package let id: String
    package let orderId: String
    package let amount: Money
    package let detail: String
    package let since: Date
}
