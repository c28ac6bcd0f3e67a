import Contracts
import FoundationEssentials

struct CartView: Sendable, Codable {
    struct Line: Sendable, Codable {
        let sku: String
        let name: String
        let quantity: Int
        let unitPrice: Money
        let lineTotal: Money
    }

    @PublicID var id: UUID
    let items: [Line]
    let total: Money
    let expiresAt: Date
}
