import Messaging

/// What befalls the whole shop from time to time, rather than one call: a broker that restarts, a database that goes away, a gateway that is down, a process
/// that is killed while it waits.
struct Weather: Sendable {
    static let calm = 2_000...20_000

    let shop: Shop
    let visits: Visits

    func run() async {
        let chance = shop.faults.chance
        while shop.faults.isOn {
            try? await shop.clock.sleep(for: chance.duration(milliseconds: Self.calm))
            guard shop.faults.isOn else { return }
            switch chance.below(4) {
            case 0:
                visits.note(Moment.brokerRestart)
                shop.faults.trace.note("the broker restarts")
                shop.broker.restart(takes: chance.duration(milliseconds: 200...5_000))
            case 1:
                let service = chance.pick(Shop.Service.allCases)
                visits.note(Moment.databaseAway)
                shop.faults.trace.note("the database of \(service.rawValue) goes away")
                shop.turns[service]?.setAway(until: shop.clock.elapsed + chance.duration(milliseconds: 50...9_000).microseconds)
            case 2:
                visits.note(Moment.gatewayAway)
                shop.faults.trace.note("the gateway goes away")
                shop.gateway.setAway(until: shop.clock.elapsed + chance.duration(milliseconds: 500...40_000).microseconds)
            default:
                shop.killOne()
            }
        }
    }
}
