/* SPDX-License-Identifier: MIT */
/*
 * untraced.h - calls that can be recorded. Not installed.
 *
 * In the files of the core these functions are defined, and call each other, under a second name; trace.c has the
 * public ones, which call these and write down what was asked and what came out. So a call is recorded once, whatever
 * it does inside. Error messages leave the prefix out (see vc_record_error()).
 */
#ifndef VCM_UNTRACED_H
#define VCM_UNTRACED_H

#define UNTRACED_PREFIX "untraced_"

#define vc_system_create	   untraced_vc_system_create
#define vc_system_destroy	   untraced_vc_system_destroy
#define vc_device_create	   untraced_vc_device_create
#define vc_device_destroy	   untraced_vc_device_destroy
#define vc_device_iotlb		   untraced_vc_device_iotlb
#define vc_device_iotlb_disconnect untraced_vc_device_iotlb_disconnect
#define vc_device_fault_limit	   untraced_vc_device_fault_limit
#define vc_device_read		   untraced_vc_device_read
#define vc_device_write		   untraced_vc_device_write
#define vc_device_translate	   untraced_vc_device_translate
#define vc_region_create	   untraced_vc_region_create
#define vc_region_create_cpu	   untraced_vc_region_create_cpu
#define vc_region_create_identity  untraced_vc_region_create_identity
#define vc_region_create_nested	   untraced_vc_region_create_nested
#define vc_region_clone		   untraced_vc_region_clone
#define vc_region_free		   untraced_vc_region_free
#define vc_associate		   untraced_vc_associate
#define vc_dissociate		   untraced_vc_dissociate
#define vc_dissociate_crashed	   untraced_vc_dissociate_crashed
#define vc_association_split	   untraced_vc_association_split
#define vc_association_set_attr	   untraced_vc_association_set_attr
#define vc_activate		   untraced_vc_activate
#define vc_deactivate		   untraced_vc_deactivate
#define vc_replace		   untraced_vc_replace
#define vc_bound_create		   untraced_vc_bound_create
#define vc_bound_free		   untraced_vc_bound_free
#define vc_reserve		   untraced_vc_reserve
#define vc_unreserve		   untraced_vc_unreserve
#define vc_reservation_set	   untraced_vc_reservation_set
#define vc_copy			   untraced_vc_copy
#define vc_phys_alloc		   untraced_vc_phys_alloc
#define vc_phys_wrap		   untraced_vc_phys_wrap
#define vc_phys_import		   untraced_vc_phys_import
#define vc_phys_import_fd	   untraced_vc_phys_import_fd
#define vc_phys_of_region	   untraced_vc_phys_of_region
#define vc_phys_compose		   untraced_vc_phys_compose
#define vc_phys_free		   untraced_vc_phys_free
#define vc_back			   untraced_vc_back
#define vc_unback		   untraced_vc_unback
#define vc_reback		   untraced_vc_reback
#define vc_migrate		   untraced_vc_migrate
#define vc_reservation_dirty	   untraced_vc_reservation_dirty

#endif
