extension Sequence where Element: Sendable {
    /// The results of `transform`, in the order of the elements, with at most `limit` of them under way at once. The first error cancels the others.
    public func concurrentMap<Result: Sendable, Failure: Error>(
        limit: Int, _ transform: @escaping @Sendable (Element) async throws(Failure) -> Result
    ) async throws(Failure) -> [Result] {
        let outcome: Swift.Result<[Result], Failure> = await withTaskGroup(of: (Int, Swift.Result<Result, Failure>).self) { group in
            var results: [(index: Int, result: Result)] = []
            var underWay = 0
            func take() async -> Failure? {
                guard let (index, outcome) = await group.next() else { return nil }
                underWay -= 1
                switch outcome {
                case .success(let result): results.append((index, result))
                case .failure(let error): return error
                }
                return nil
            }
            for (index, element) in enumerated() {
                if underWay >= limit, let error = await take() {
                    group.cancelAll()
                    return .failure(error)
                }
                underWay += 1
                group.addTask {
                    do throws(Failure) {
                        return (index, .success(try await transform(element)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            while underWay > 0 {
                if let error = await take() {
                    group.cancelAll()
                    return .failure(error)
                }
            }
            return .success(results.sorted { $0.index < $1.index }.map(\.result))
        }
        return try outcome.get()
    }
}
