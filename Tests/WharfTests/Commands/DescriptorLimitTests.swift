import Testing

@testable import Assembly

@Suite struct DescriptorLimitTests {
    @Test func `a sufficient limit stays as it is`() {
        let plan = DescriptorLimit(soft: 20_000, hard: 20_000).plan(for: 10_000)
        #expect(plan.soft == 20_000 && plan.connections == 10_000)
    }

    @Test func `a low limit is raised as far as the connections need`() {
        let plan = DescriptorLimit(soft: 1_024, hard: 1_048_576).plan(for: 10_000)
        #expect(plan.soft == 10_000 + DescriptorLimit.reserve && plan.connections == 10_000)
    }

    @Test func `where the limit cannot be raised fewer connections are accepted`() {
        let plan = DescriptorLimit(soft: 1_024, hard: 4_096).plan(for: 10_000)
        #expect(plan.soft == 4_096 && plan.connections == 4_096 - DescriptorLimit.reserve)
        #expect(DescriptorLimit(soft: 100, hard: 100).plan(for: 10_000).connections == DescriptorLimit.minimumConnections)
    }
}
