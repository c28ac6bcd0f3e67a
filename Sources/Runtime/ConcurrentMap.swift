extension Sequence where Element: Sendable {
    /// The results of `transform`, in the order of the elements, with at most `limit` of them under way at once. The first error cancels the others.
    public func concurrentMap<Result: Sendable, Failure: Error>(
        limit: Int, _ transform: @escaping @Sendable (Element) async throws(Failure) -> Result
    ) async throws(Failure) -> [Result] {
        let outcome: Swift.Result<[Result], Failure> = await withTaskGroup(of: (Int, Swift.Result<Result, Failure>).self) { group in
            var results: [(index: Int, result: Result)] = []
            /// Waits for one result; returns its error, having cancelled the others.
            func take() async -> Failure? {
                switch await group.next() {
                case (let index, .success(let result))?: results.append((index, result))
                case (_, .failure(let error))?:
                    group.cancelAll()
                    return error
                case nil: break
                }
                return nil
            }
            for (index, element) in enumerated() {
                if index >= limit, let error = await take() { return .failure(error) }
                group.addTask {
                    do throws(Failure) {
                        return (index, .success(try await transform(element)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            while !group.isEmpty {
                if let error = await take() { return .failure(error) }
            }
            return .success(results.sorted { $0.index < $1.index }.map { $0.result })
        }
        return try outcome.get()
    }
}
