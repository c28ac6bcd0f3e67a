import Testing

@testable import Sandbox

@Suite("Faults")
struct FaultTests {
    @Test("are read, and written unchanged")
    func settings() throws {
        let json = #"""
            {"latencyMilliseconds": {"min": 5, "max": 50}, "error500Rate": 0.25, "dropBeforeRate": 0, "dropAfterChargingRate": 1,
            "rateLimitRate": 0.5, "conflictRate": 0.125, "duplicateWebhookRate": 0.75, "reorderWebhooks": true,
            "webhookDelayMilliseconds": 20, "seed": 18446744073709551615}
            """#
        let settings = try FaultSettings(json: Array(json.utf8))
        #expect(settings.latency == FaultSettings.Span(min: 5, max: 50))
        #expect(settings.webhookDelay == FaultSettings.Span(min: 20, max: 20))
        #expect(settings.dropAfterChargingRate == 1)
        #expect(settings.seed == .max)
        #expect(try FaultSettings(json: settings.json) == settings)
        #expect(try FaultSettings(json: Array("{}".utf8)) == FaultSettings())
    }

    @Test(
        "that are wrong are refused by name",
        arguments: [
            (#"{"errorRate": 1}"#, "errorRate"), (#"{"error500Rate": 1.5}"#, "error500Rate"), (#"{"error500Rate": -0.1}"#, "error500Rate"),
            (#"{"error500Rate": "high"}"#, "error500Rate"), (#"{"reorderWebhooks": 1}"#, "reorderWebhooks"), (#"{"seed": -1}"#, "seed"),
            (#"{"latencyMilliseconds": {"min": 9, "max": 3}}"#, "latencyMilliseconds"),
            (#"{"latencyMilliseconds": {"min": 0, "max": 60001}}"#, "latencyMilliseconds"),
            (#"{"latencyMilliseconds": {"least": 0}}"#, "latencyMilliseconds[least]"),
            (#"{"webhookDelayMilliseconds": -1}"#, "webhookDelayMilliseconds"), ("[]", nil), ("{", nil), ("", nil),
        ] as [(String, String?)])
    func refused(json: String, field: String?) {
        let error = #expect(throws: StripeError.self) { try FaultSettings(json: Array(json.utf8)) }
        #expect(error?.status == 400)
        #expect(error?.parameter == field)
    }

    @Test("are the same for the same seed")
    func determinism() {
        let settings = FaultSettings(error500Rate: 0.3, dropBeforeRate: 0.2, dropAfterChargingRate: 0.3, seed: 42)
        var (one, two) = (FaultInjector(settings), FaultInjector(settings))
        var plans: [FaultPlan] = []
        for _ in 0..<200 {
            let plan = one.planRequest()
            #expect(plan == two.planRequest())
            plans.append(plan)
        }
        for before in [FaultPlan.BeforeExecution.drop, .serverError] { #expect(plans.contains { $0.before == before }) }
        for after in [FaultPlan.AfterExecution.drop, .serverError] { #expect(plans.contains { $0.after == after }) }
    }

    @Test("of one kind are unaffected when the rate of another changes")
    func independence() {
        var (one, two) = (
            FaultInjector(FaultSettings(rateLimitRate: 0.3, seed: 7)),
            FaultInjector(FaultSettings(dropAfterChargingRate: 0.9, rateLimitRate: 0.3, seed: 7))
        )
        for _ in 0..<200 { #expect(one.planRequest().before == two.planRequest().before) }
    }

    @Test("occur as often as configured")
    func rates() {
        var injector = FaultInjector(FaultSettings(error500Rate: 0.2, seed: 1))
        let plans = (0..<10_000).map { _ in injector.planRequest() }
        let before = plans.count { $0.before == .serverError }
        let after = plans.count { $0.after == .serverError }
        #expect((800...1_200).contains(before))
        #expect((800...1_200).contains(after))
    }

    @Test("that are switched off never occur")
    func none() {
        var injector = FaultInjector()
        for _ in 0..<1_000 { #expect(injector.planRequest() == .none) }
        #expect(injector.planWebhook() == [.zero])
    }

    @Test("delay and repeat webhooks")
    func webhooks() {
        var injector = FaultInjector(
            FaultSettings(duplicateWebhookRate: 1, reorderWebhooks: true, webhookDelay: .init(min: 100, max: 200), seed: 3))
        for _ in 0..<100 {
            let delays = injector.planWebhook()
            #expect(delays.count == 2)
            #expect(delays.allSatisfy { (.milliseconds(100) ... .milliseconds(700)).contains($0) })
        }
    }
}
