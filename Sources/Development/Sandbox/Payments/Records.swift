/// Objects in the order of their creation, which are also found by their ids.
struct Records<Element: Identifiable & Sendable>: Sendable, RandomAccessCollection where Element.ID == String {
    private var elements: [Element] = []
    private var positions: [String: Int] = [:]

    var startIndex: Int { elements.startIndex }
    var endIndex: Int { elements.endIndex }
    subscript(position: Int) -> Element { elements[position] }
    subscript(id id: String) -> Element? { positions[id].map { elements[$0] } }

    func position(of id: String) -> Int? { positions[id] }

    /// Adds an object, or replaces the one that has its id. Returns its position.
    @discardableResult
    mutating func put(_ element: Element) -> Int {
        if let position = positions[element.id] {
            elements[position] = element
            return position
        }
        positions[element.id] = elements.count
        elements.append(element)
        return elements.count - 1
    }
}

extension Records: Equatable where Element: Equatable {}

extension PaymentIntent: Identifiable {}
extension Refund: Identifiable {}
extension StripeCustomer: Identifiable {}
extension PaymentMethod: Identifiable {}
extension BalanceTransaction: Identifiable {}
