/// A queue with cheap removal at its front.
struct FIFO<Element> {
    private var elements: [Element] = []
    private var start = 0

    /// Removed elements are given back once they are this many and the larger part.
    private static var slack: Int { 64 }

    init(_ elements: [Element] = []) {
        self.elements = elements
    }

    var first: Element? { start < elements.count ? elements[start] : nil }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func removeFirst() {
        guard start < elements.count else { return }
        start += 1
        if start == elements.count {
            elements.removeAll(keepingCapacity: start <= Self.slack)
            start = 0
        } else if start > Self.slack, start * 2 > elements.count {
            elements.removeFirst(start)
            start = 0
        }
    }
}
