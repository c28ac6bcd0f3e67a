extension Sequence where Element: Sendable {
    /// The results of `body` for all elements, in their order, with at most `limit` of them under way at once.
    func mapConcurrently<Result: Sendable>(
        atMost limit: Int, _ body: @escaping @Sendable (Element) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var waiting = enumerated().makeIterator()
            func startNext() {
                guard let (index, element) = waiting.next() else { return }
                group.addTask { (index, try await body(element)) }
            }
            for _ in 0..<limit { startNext() }
            var results: [(Int, Result)] = []
            while let result = try await group.next() {
                results.append(result)
                startNext()
            }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
