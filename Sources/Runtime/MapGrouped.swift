extension Array {
    /// Passes the elements of each key to `transform` together, keys in the order of their first elements, and returns the results in the order of the elements.
    ///
    /// - Parameter transform: Returns one result for each element that it receives, in their order.
    package func mapGrouped<Key: Hashable, Result>(
        by key: (Element) -> Key, transform: (Key, [Element]) async throws -> [Result]
    ) async rethrows -> [Result] {
        var groups: [Key: [Int]] = [:]
        var keys: [Key] = []
        for (index, element) in enumerated() {
            let key = key(element)
            if groups[key] == nil { keys.append(key) }
            groups[key, default: []].append(index)
        }
        var results: [(index: Int, result: Result)] = []
        results.reserveCapacity(count)
        for key in keys {
            let indices = groups[key] ?? []
            results += zip(indices, try await transform(key, indices.map { self[$0] })).map { ($0, $1) }
        }
        return results.sorted { $0.index < $1.index }.map(\.result)
    }
}
