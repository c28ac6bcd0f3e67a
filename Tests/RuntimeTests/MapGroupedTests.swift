import Testing

@testable import Runtime

@Suite struct MapGroupedTests {
    @Test func `elements of one key are passed together, and the results come back in order`() async {
        var groups: [[Int]] = []
        let results = await [5, 2, 7, 4, 9].mapGrouped(by: { $0 % 2 }) { key, numbers in
            groups.append(numbers)
            return numbers.map { "\(key):\($0)" }
        }
        #expect(groups == [[5, 7, 9], [2, 4]])
        #expect(results == ["1:5", "0:2", "1:7", "0:4", "1:9"])
    }

    @Test func `nothing leads to nothing`() async {
        let results = await [Int]().mapGrouped(by: { $0 }) { _, numbers in numbers }
        #expect(results == [])
    }
}
