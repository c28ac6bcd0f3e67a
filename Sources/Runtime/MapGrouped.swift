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
        if let key = keys.first, keys.count == 1 { return try await transform(key, self) }
        var results = [Result?](repeating: nil, count: count)
        for key in keys {
            let indices = groups[key] ?? []
            for (index, result) in zip(indices, try await transform(key, indices.map { self[$0] })) { results[index] = result }
        }
        return results.compactMap { $0 }
    }
}
