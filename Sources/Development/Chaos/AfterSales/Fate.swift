import Load
import Seeds

/// What happens to an order after its checkout. It depends only on the run's seed and the order's number.
enum Fate: Sendable, Equatable {
    /// The customer keeps everything; some complain and get partial refunds.
    case kept(refunds: [Refund])
    /// The customer cancels as soon as the checkout is accepted, whatever its saga is doing.
    case cancelledAtOnce
    /// The customer, or the shop, cancels a confirmed order, perhaps after a partial refund.
    case cancelledLate(byShop: Bool, refunds: [Refund])
    /// The customer cancels while the warehouse ships; one of the two wins.
    case contested
    case shipped(Shipping)

    /// A refund that an administrator makes by amount.
    enum Refund: Sendable, Equatable {
        /// A percentage of the order's total, at least one cent.
        case part(percent: Int)
        /// Refunds all that is left.
        case rest
        /// One cent more than the whole order cost; must be refused.
        case tooMuch
        /// Refunds the same part twice at the same time.
        case partTwice(percent: Int)
    }

    struct Shipping: Sendable, Equatable {
        var inParts: Bool
        var isDelivered: Bool
        /// Pieces of the first line that are sent back, each with its own return.
        var returns: [Return]
        var refunds: [Refund]
    }

    enum Return: Sendable, Equatable {
        case refused
        case received(restock: Bool)
        /// Approved, and the goods never arrive.
        case approved
    }

    init(seed: UInt64, number: Int) {
        var random = SplitMix(seed: seed ^ UInt64(truncatingIfNeeded: number) &* 0x9e37_79b9_7f4a_7c15)
        self =
            switch Int.random(in: 0..<100, using: &random) {
            case ..<12: .cancelledAtOnce
            case ..<22: .cancelledLate(byShop: .random(using: &random), refunds: Bool.random(using: &random) ? [.part(percent: 30)] : [])
            case ..<32: .contested
            case ..<75: .shipped(Shipping(&random))
            default: .kept(refunds: Self.refunds(&random))
            }
    }

    fileprivate static func refunds(_ random: inout SplitMix) -> [Refund] {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: [.part(percent: 10), .part(percent: 25)]
        case 1: [.part(percent: 40), .rest]
        case 2: [.tooMuch, .part(percent: 50)]
        case 3: [.partTwice(percent: 60)]
        case 4: [.part(percent: 1)]
        default: []
        }
    }
}

extension Fate.Shipping {
    fileprivate init(_ random: inout SplitMix) {
        inParts = .random(using: &random)
        isDelivered = Int.random(in: 0..<4, using: &random) > 0
        let draws = (0..<Int.random(in: 0...2, using: &random)).map { _ in Int.random(in: 0..<5, using: &random) }
        returns = draws.map { draw in
            switch draw {
            case 0: .refused
            case 1: .approved
            default: .received(restock: draw == 2)
            }
        }
        refunds = Int.random(in: 0..<3, using: &random) == 0 ? Fate.refunds(&random) : []
    }
}
