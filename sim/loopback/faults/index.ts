/** What a test can break. */
import type { Service } from "../service.ts";

export class Faults {
  private readonly service: Service;
  constructor(service: Service) {
    this.service = service;
  }
  healAll(): void {
    this.service.faults.healAll();
  }
}
